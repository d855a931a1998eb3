"""Text models (CLIP, T5, Qwen, Gemma) as encoders: what they make of a prompt, in a template that is a constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import torch

from limn.kernel.errors import InputError
from limn.kernel.predictor import Ask, Conditioning


@dataclass(eq=False)
class Reader:
    """Hidden states of a text model; blanks around a prompt are not read.

    Args:
        tokenizer: Of transformers.
        network: The model.
        limit: Most tokens of a prompt in its template.
        template: What is read, with ``{}`` where the prompt goes.
        layers: Which hidden states, side by side; the last where there is one and it is -1.
        filled: Whether short prompts are filled up to ``limit``; else to the longest at hand.
        masked: Whether the model is told which tokens are filling.
        kept: Which of the tokens are given on.
        lower: Whether prompts are read in lower case.
        framed: Whether the tokenizer adds the tokens that it has for the ends of a text.
        pooled: What the model calls the one vector of a whole prompt, which is then the extra ``pooled``.
    """

    tokenizer: Any
    network: Any
    _: KW_ONLY
    limit: int
    template: str = "{}"
    layers: Sequence[int] = (-1,)
    filled: bool = True
    masked: bool = True
    kept: slice | Sequence[int] = field(default_factory=lambda: slice(None))
    lower: bool = False
    framed: bool = True
    pooled: str = ""

    @property
    def models(self) -> tuple[Any, ...]:
        """The network that reads."""
        return (self.network,)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return one row of hidden states for each ask; a dropped text is the empty one.

        Raises:
            InputError: If a prompt has pictures.
        """
        if any(ask.prompt.images for ask in asks):
            raise InputError("prompt: this model reads text only; leave the pictures out")
        texts = ["" if "text" in ask.drop else ask.prompt.text for ask in asks]
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        with torch.no_grad():
            rows = self._read(list(places))
        return rows.pick([places[text] for text in texts])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token given on; (0, 0) in the template and for filling."""
        offsets = self._tokens([text])["offset_mapping"][0]
        kept = offsets[self.kept] if isinstance(self.kept, slice) else [offsets[place] for place in self.kept]
        return [self._within(text, start, end) for start, end in kept]

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        last = max((end for _, end in self.spans(text)), default=0)
        return text.strip()[last:].strip()

    def _read(self, texts: Sequence[str]) -> Conditioning:
        tokens = self._tokens(texts)
        ids, mask = (torch.tensor(tokens[name]) for name in ("input_ids", "attention_mask"))
        device = next(self.network.parameters()).device
        told = {"attention_mask": mask.to(device)} if self.masked else {}
        alone = tuple(self.layers) == (-1,)
        answer = self.network(ids.to(device), output_hidden_states=not alone, **told)
        hidden = (
            answer.last_hidden_state
            if alone
            else torch.cat([answer.hidden_states[layer] for layer in self.layers], -1)
        )
        kept = self.kept if isinstance(self.kept, slice) else list(self.kept)
        extras = {"pooled": getattr(answer, self.pooled)} if self.pooled else {}
        return Conditioning(hidden[:, kept], mask[:, kept].bool().to(device), extras)

    def _tokens(self, texts: Sequence[str]) -> Any:
        before, after = self.template.split("{}")
        return self.tokenizer(
            [before + self._clean(text) + after for text in texts],
            padding="max_length" if self.filled else True,
            max_length=self.limit,
            truncation=True,
            add_special_tokens=self.framed,
            return_offsets_mapping=True,
            verbose=False,
        )

    def _clean(self, text: str) -> str:
        return text.strip().lower() if self.lower else text.strip()

    def _within(self, text: str, start: int, end: int) -> tuple[int, int]:
        """Return the characters of a prompt, of characters in the template."""
        before, length = self.template.index("{}"), len(text.strip())
        start, end = max(start - before, 0), min(end - before, length)
        while start < end and text.strip()[start].isspace():  # pieces of words begin with the blank before them
            start += 1
        return (start, end) if start < end else (0, 0)
