"""Painting with words: the prompt's regions say which words belong where in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.prompt import Prompt, Region
from limn.kernel.step import Step
from limn.text.regions import cover
from limn.text.spans import Span, occurrences, tokens_of

MAX_SIGMA = 15.0  # about where Stable Diffusion starts; flow models start at pure noise, where sigma has no bound


@dataclass(frozen=True, kw_only=True)
class PaintWithWords(Guidance):
    """Attend as ``softmax(Q K^T / sqrt(d) + w A) V`` (Balaji et al. 2022, section 4.3).

    ``A`` is 1 where a picture token lies inside a region and a text token is one of the region's words, times the
    region's weight; at the edge of a region it is the share of the token's cell that lies inside. The weight
    ``w = strength * log(1 + sigma) * max(Q K^T / sqrt(d))`` is worked out for each picture and head; sigma is noise
    over signal, at most 15, and models without a noise level have 1 in place of the logarithm. A head whose
    greatest logit is below 0 is left alone. Only the answer with the words is painted. Of several regions with the
    same words, the first belongs to where the prompt says them first, and so on, if it says them often enough.

    Where the picture attends to itself and to the words at once, as in limn's own models, a great strength leaves
    nothing for the picture: start at the default.

    Args:
        strength: From 0 to 100; 0 changes nothing.
        low: Paint only above this noise over signal.
        high: Paint only up to this noise over signal; without a limit when ``None``.

    >>> PaintWithWords(strength=0.6).strength
    0.6
    """

    paper: ClassVar[str] = "balaji2022ediffi"
    aliases: ClassVar[tuple[str, ...]] = ("pww",)
    rank: ClassVar[Rank] = Rank.REFINE
    space: ClassVar[str] = "any"

    strength: float = 0.2
    low: float = 0.0
    high: float | None = None

    def __post_init__(self) -> None:
        self.check("strength", 0, 100)
        self.check_levels(self.low, self.high)

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Paint the words' own answer."""
        main = branches["main"]
        within = step.level.within(self.low, self.high)
        if (
            not main.prompt.regions
            or "text" in main.drop
            or self.strength == 0
            or step.encoder is None
            or not within
        ):
            return branches
        spans = step.encoder.spans(main.prompt.text.strip())
        painted = Painted(regions=read_regions(main.prompt, spans), length=len(spans), strength=self.strength)
        return {**branches, "main": main.edited(painted)}


@dataclass(frozen=True, kw_only=True)
class Painted(AttentionEdit):
    """Picture tokens inside a region see the region's words better.

    Args:
        regions: Each with the places of its words among the text tokens.
        length: Text tokens of this row; those after them belong to longer texts in the same batch.
        strength: As in :class:`PaintWithWords`.
    """

    regions: tuple[tuple[Region, tuple[int, ...]], ...]
    length: int
    strength: float

    def touches(self, site: AttentionSite) -> bool:
        """Act where a whole picture attends to words."""
        return site.text is not None and site.grid is not None and site.kind in ("cross", "joint")

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        """Return ``w A`` at the picture's queries and the text's keys, and 0 elsewhere."""
        assert site.text is not None
        assert site.grid is not None
        words = slice(site.text.start, site.text.start + self.length)
        picture, text = query[:, :, site.image].detach(), key[:, :, words].detach()
        greatest = (picture @ text.transpose(-1, -2)).amax((-2, -1), keepdim=True) * query.shape[-1] ** -0.5
        level = torch.ones(1) if site.sigma is None else torch.log1p(site.sigma.float().clamp_max(MAX_SIGMA))
        weight = self.strength * level.to(query.device).view(-1, 1, 1, 1) * greatest.float().clamp_min(0)
        where = torch.zeros(query.shape[2], key.shape[2])
        for region, tokens in self.regions:
            share = torch.from_numpy(cover(region, *site.grid)).flatten() * region.weight
            places = [words.start + token for token in tokens]
            where[site.image, places] += share[:, None]
        bias: Tensor = (weight * where.to(query.device)).to(query.dtype)
        return bias


def read_regions(prompt: Prompt, spans: list[Span]) -> tuple[tuple[Region, tuple[int, ...]], ...]:
    """Return the prompt's regions, each with the text tokens of its words."""
    texts = [region.words.strip() for region in prompt.regions]
    read = []
    for place, (words, region) in enumerate(zip(texts, prompt.regions, strict=True)):
        shown = words[:40]
        if not math.isfinite(region.weight):
            raise InputError(f"region {shown!r}: its weight is {region.weight}; give a finite number")
        matches = occurrences(words, prompt.text.strip())
        if not matches:
            raise InputError(f"region {shown!r}: the prompt does not say this; write the words as in the prompt")
        if 1 < texts.count(words) <= len(matches):
            matches = [matches[texts[:place].count(words)]]
        tokens = sorted({token for span in matches for token in tokens_of(span, spans)})
        if not tokens:
            raise InputError(f"region {shown!r}: the model does not read that far into the prompt; say it earlier")
        read.append((region, tuple(tokens)))
    return tuple(read)
