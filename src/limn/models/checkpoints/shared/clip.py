"""CLIP's text models as encoders: one, or several side by side."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import torch
from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.predictor import Ask, Conditioning
from limn.models.checkpoints.shared.chunks import Tokens, chunks
from limn.networks.token_embeddings import expand, expansions, learned_token

CHUNKS: Final = 8
"""Most chunks of a prompt that are read."""

PRAISED, DISLIKED = 6.0, 2.5
"""Scores of beauty that SDXL's refiner is told of what is wanted and of what is not."""


class ClipEncoder:
    """CLIP's text model behind our encoder; a long prompt is read in chunks, whose states stand side by side.

    Args:
        tokenizer: A ``transformers.CLIPTokenizer``.
        model: A ``transformers.CLIPTextModel``, or one with a projection, whose pooled words are given too.
        limit: Tokens a chunk is filled up to, the two at its ends among them.
        learned: Vectors (n, width) of further words; each stands in a text as n tokens; ids follow the table's.
        skip: Layers left out at the end (``clip_skip`` of diffusers; the clip skip of web UIs less one).
        inner: Whether the states are those before the last layer, not normalised, as SDXL reads them.
    """

    def __init__(
        self,
        tokenizer: Any,
        model: Any,
        limit: int,
        learned: Mapping[str, Tensor] | None = None,
        *,
        skip: int = 0,
        inner: bool = False,
    ) -> None:
        self.tokenizer, self.model, self.limit, self.learned = tokenizer, model, limit, dict(learned or {})
        self.skip, self.inner = skip, inner
        size = model.get_input_embeddings().num_embeddings
        self._expanded = expansions(tokenizer.convert_tokens_to_ids, self.learned, size)
        self._comma = tokenizer.convert_tokens_to_ids(",</w>")

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks that read."""
        return (self.model,)

    @property
    def widths(self) -> tuple[int, ...]:
        """Length of a word's vector in each network."""
        return (self.width,)

    @property
    def width(self) -> int:
        """Length of a word's vector."""
        return int(self.model.get_input_embeddings().embedding_dim)

    def knowing(self, words: Mapping[str, Tensor]) -> ClipEncoder:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
        tokenizer = copy.deepcopy(self.tokenizer)
        tokenizer.add_tokens([learned_token(word) for word in words])
        learned = {**self.learned, **words}
        return ClipEncoder(tokenizer, self.model, self.limit, learned, skip=self.skip, inner=self.inner)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the hidden states (asks, tokens, width) of the texts; a dropped text is the empty one.

        Slopes reach what learns: vectors of learned words, changes to the text model's layers.

        Returns:
            The states, with the extras ``length`` (asks,), how many of the tokens are a row's own, and ``pooled``
            (asks, width) where the model projects its pooled words.

        Raises:
            InputError: If a prompt has pictures.
        """
        if any(ask.prompt.images for ask in asks):
            raise InputError("prompt: this model reads text only; leave the pictures out")
        texts = ["" if "text" in ask.drop else ask.prompt.text for ask in asks]
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        rows = [self._rows(text) for text in places]
        ids = torch.tensor([own for row in rows for own, _, _ in row])
        with self._reading_learned():
            hidden, pooled = self._states(ids.to(self.model.device))
        parts, first = [], 0
        for row in rows:
            states = hidden[first : first + len(row)].flatten(0, 1)[None]
            mask = torch.tensor([[k < real for _, _, real in row for k in range(self.limit)]], device=hidden.device)
            extras = {"length": torch.tensor([states.shape[1]], device=hidden.device)}
            extras |= {} if pooled is None else {"pooled": pooled[first : first + 1]}
            parts.append(Conditioning(states, mask, extras))
            first += len(row)
        return Conditioning.stack(parts).pick([places[text] for text in texts])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token; (0, 0) for the ends and the padding."""
        return [span for _, spans, _ in self._rows(text) for span in spans]

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        past = [spans for _, spans in self._chunks(text)[CHUNKS:] if spans]
        return text[past[0][0][0] :] if past else ""

    def _states(self, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return hidden states (chunks, limit, width), and pooled words (chunks, width) if the model has them."""
        inside = self.skip > 0 or self.inner
        out = self.model(ids, output_hidden_states=True) if inside else self.model(ids)
        pooled: Tensor | None = getattr(out, "text_embeds", None)
        if not inside:
            return out.last_hidden_state, pooled
        states: Tensor = out.hidden_states[-(self.skip + 1 + self.inner)]
        norm = getattr(self.model, "text_model", self.model).final_layer_norm
        return states if self.inner else norm(states), pooled

    def _tokens(self, text: str) -> Tokens:
        """Return the ids of a text's own tokens, and the characters behind each."""
        # Not verbose: the library would log a warning of its own about the length.
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return expand(found["input_ids"], [(start, end) for start, end in found["offset_mapping"]], self._expanded)

    def _chunks(self, text: str) -> list[Tokens]:
        return chunks(text, self._tokens, self._comma, self.limit - 2)

    def _rows(self, text: str) -> list[tuple[list[int], list[tuple[int, int]], int]]:
        """Return the ids and characters of each chunk between its ends, filled up, and how many are no filling."""
        known, rows = self.tokenizer, []
        for ids, spans in self._chunks(text)[:CHUNKS]:
            row = [known.bos_token_id, *ids, known.eos_token_id]
            empty = self.limit - len(row)
            rows.append((row + [known.pad_token_id] * empty, [(0, 0), *spans, *[(0, 0)] * (1 + empty)], len(row)))
        return rows

    @contextmanager
    def _reading_learned(self) -> Iterator[None]:
        """Let ids that follow the table's stand for the learned vectors while the model reads."""
        table = self.model.get_input_embeddings()
        if not self.learned:
            yield
            return
        size = table.num_embeddings
        learned = torch.cat([vectors.to(table.weight) for vectors in self.learned.values()])
        kept: list[Tensor] = []

        def before(module: Any, inputs: tuple[Tensor]) -> tuple[Tensor]:
            kept.append(inputs[0])
            return (inputs[0].clamp(max=size - 1),)

        def after(module: Any, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            own = kept.pop() - size
            return torch.where(own[..., None] >= 0, learned[own.clamp(min=0)], output)

        with ExitStack() as stack:
            stack.callback(table.register_forward_pre_hook(before).remove)
            stack.callback(table.register_forward_hook(after).remove)
            yield


class Together:
    """Several of CLIP's text models that read the same words, their states side by side (Podell et al. 2023).

    Args:
        encoders: With vocabularies of the same pieces; the pooled words are those of the last one.
        zeros: Whether words that are left out are zeros, and not the empty text.
        scored: Whether each row is told a score of beauty, as SDXL's refiner is.
    """

    def __init__(self, encoders: Sequence[ClipEncoder], *, zeros: bool = False, scored: bool = False) -> None:
        self.encoders, self.zeros, self.scored = tuple(encoders), zeros, scored

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks that read."""
        return tuple(encoder.model for encoder in self.encoders)

    @property
    def widths(self) -> tuple[int, ...]:
        """Length of a word's vector in each network."""
        return tuple(encoder.width for encoder in self.encoders)

    @property
    def width(self) -> int:
        """Length of a word's vectors side by side."""
        return sum(self.widths)

    def knowing(self, words: Mapping[str, Tensor]) -> Together:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
        parts = {word: torch.split(vectors, list(self.widths), 1) for word, vectors in words.items()}
        taught = [
            encoder.knowing({word: own[place] for word, own in parts.items()})
            for place, encoder in enumerate(self.encoders)
        ]
        return Together(taught, zeros=self.zeros, scored=self.scored)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the hidden states (asks, tokens, width) of the texts; see :class:`ClipEncoder`."""
        read = [encoder.encode(asks) for encoder in self.encoders]
        tokens, extras = torch.cat([rows.tokens for rows in read], 2), dict(read[-1].extras)
        if self.zeros:
            kept = torch.tensor([[0.0 if "text" in ask.drop else 1.0] for ask in asks]).to(tokens)
            tokens, extras["pooled"] = tokens * kept[:, :, None], extras["pooled"] * kept
        if self.scored:
            disliked = [bool({"text", "instruction"} & ask.drop) for ask in asks]
            extras["score"] = tokens.new_tensor([DISLIKED if low else PRAISED for low in disliked])
        return Conditioning(tokens, read[0].mask, extras)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token; (0, 0) for the ends and the padding."""
        return self.encoders[0].spans(text)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        return self.encoders[0].unread(text)
