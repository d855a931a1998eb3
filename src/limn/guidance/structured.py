"""Structured diffusion: each noun phrase is also read by itself, so that its words stay together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.branch import Branches
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.predictor import Ask, Encoder
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step
from limn.text.noun_phrases import Parser, best_parser, noun_phrases
from limn.text.spans import Span, tokens_of

Mode = Literal["phrases", "conjunction"]


@dataclass(frozen=True, kw_only=True)
class Structured(Guidance):
    """Attend to the prompt with keys ``K`` and values ``V`` of several readings (Feng et al. 2023, section 3).

    ``W_0`` are the text vectors of the prompt, and ``W_i`` the same with those of phrase i as it is encoded alone
    written over its place. ``phrases`` attends as ``1/(k+1) sum_i softmax(Q K_0^T / sqrt(d)) V_i``; values are
    linear in the text vectors, so this is one attention with the values of their mean. ``conjunction``, for *A and
    B*, attends as ``1/(k+1) sum_i softmax(Q K_i^T / sqrt(d)) V``, where V has all phrases written in.

    That is for networks in which the picture attends to text that stays as it is, as in Stable Diffusion. limn's own
    models read text vectors that are the same in any company, and let the words attend to each other inside the
    network; there, as our reading of the idea, the words of a phrase see no words but those of their phrase, in
    either mode. Only the answer with the words is changed; a prompt without phrases of two words is left alone.

    Args:
        mode: ``phrases`` or ``conjunction``.
        parser: What finds the noun phrases: ``rules``, ``spacy``, or ``auto``, which becomes ``spacy`` where that is
            installed and ``rules`` elsewhere; the record names the one used.

    >>> Structured(parser="rules").mode
    'phrases'
    """

    paper: ClassVar[str] = "feng2023structured"
    aliases: ClassVar[tuple[str, ...]] = ("structured_diffusion",)
    rank: ClassVar[Rank] = Rank.REFINE
    space: ClassVar[str] = "any"

    mode: Mode = "phrases"
    parser: Literal["auto", "rules", "spacy"] = "auto"

    def __post_init__(self) -> None:
        if self.parser == "auto":
            object.__setattr__(self, "parser", best_parser())

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Let the words' own answer read the phrases by themselves."""
        main = branches["main"]
        if "text" in main.drop or step.encoder is None:
            return branches
        text = main.prompt.text.strip()
        spans = step.encoder.spans(text)
        parser: Parser = "spacy" if self.parser == "spacy" else "rules"
        phrases = tuple(span for span in noun_phrases(text, parser) if tokens_of(span, spans))
        if not phrases:
            return branches
        bound = Bound(
            prompt=main.prompt, phrases=phrases, conjunction=self.mode == "conjunction", encoder=step.encoder
        )
        return {**branches, "main": main.edited(bound)}


@dataclass(frozen=True, kw_only=True)
class Bound(AttentionEdit):
    """The words of each phrase are read by themselves.

    Args:
        prompt: What is said.
        phrases: Characters of its phrases, without blanks before its text.
        conjunction: Whether the keys, rather than the values, are those of one phrase at a time.
        encoder: Reads the phrases.
    """

    prompt: Prompt
    phrases: tuple[Span, ...]
    conjunction: bool
    encoder: Encoder = field(compare=False, repr=False)

    def touches(self, site: AttentionSite) -> bool:
        """Act where the picture attends to text that stays as it is, and where words attend to each other."""
        text = site.text if site.kind == "joint" else None
        among = text is not None and (site.image.start >= text.stop or site.image.start < text.start)
        return among or (site.kind == "cross" and site.project is not None)

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        """Return the values of the mean of all readings, or of the text with all phrases written in."""
        if site.project is None:
            return value
        *readings, whole = self.readings
        return _over(
            value, site.project("value", (whole if self.conjunction else torch.stack(readings).mean(0))[None])
        )

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor | None:
        """Return what makes attention the mean over the readings' keys, or hides other phrases' words from words."""
        if site.project is None:
            return self._apart(query, key, site)
        if not self.conjunction:
            return None
        scaled = query.float() * query.shape[-1] ** -0.5
        keys = (_over(key, site.project("key", reading[None])).float() for reading in self.readings[:-1])
        maps = torch.stack([torch.log_softmax(scaled @ other.transpose(-1, -2), -1) for other in keys])
        # The softmax of the logarithm of shares is the shares; other edits' biases multiply them.
        shares = torch.logsumexp(maps, 0)
        bias: Tensor = shares - scaled @ key.float().transpose(-1, -2)
        return bias.to(query.dtype)

    @cached_property
    def readings(self) -> list[Tensor]:
        """Text vectors (tokens, width): the prompt's, those with one phrase written in, and with all of them."""
        text = self.prompt.text.strip()
        alone = [text[start:end] for start, end in self.phrases]
        asks = [Ask(self.prompt), *(Ask(self.prompt.saying(phrase)) for phrase in alone)]
        prompt, *encoded = self.encoder.encode(asks).tokens.unbind()
        readings, whole = [prompt], prompt.clone()
        for phrase, vectors, there in zip(alone, encoded, self._places, strict=True):
            own = [place for place, (start, end) in enumerate(self.encoder.spans(phrase)) if start < end]
            both = min(len(own), len(there))  # a phrase may be cut where the prompt ends for the model
            one = prompt.clone()
            one[there[:both]] = whole[there[:both]] = vectors[own[:both]]
            readings.append(one)
        return [*readings, whole]

    @cached_property
    def _places(self) -> list[list[int]]:
        """Each phrase's text tokens."""
        spans = self.encoder.spans(self.prompt.text.strip())
        return [tokens_of(phrase, spans) for phrase in self.phrases]

    def _apart(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        assert site.text is not None
        bias = query.new_zeros(query.shape[2], key.shape[2])
        for places in self._places:
            words = torch.tensor(places, device=query.device) + site.text.start
            bias[words, site.text] = -torch.inf
            bias[words[:, None], words] = 0
        return bias


def _over(old: Tensor, new: Tensor) -> Tensor:
    """Put the keys or values (1, heads, tokens, width) of one text in place of every row's (rows, heads, ...)."""
    return torch.cat([new.to(old).expand(old.shape[0], -1, -1, -1), old[:, :, new.shape[2] :]], 2)
