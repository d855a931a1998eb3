"""Regional prompts: the words of a region are seen inside it alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from limn.guidance.paint_with_words import read_regions
from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.branch import Branches
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.prompt import Region
from limn.kernel.step import Step
from limn.text.regions import cover

_NEVER = -1e4  # stands for the logarithm of 0: finite, so that a token that may see nothing divides no 0 by 0


@dataclass(frozen=True, kw_only=True)
class Regional(Guidance):
    """Hide a region's words from the picture outside it, and where words see them, the outside from the words.

    Words of different regions do not see each other either. The picture sees itself as before, so that regions
    blend; cutting it as well gives separate pictures (InvokeAI, issue 8715, found so on FLUX). Words of no region
    are seen by all. Only the answer with the words is changed.

    Args:
        until: The share of the walk that is drawn so, above 0 to 1; the rest harmonises.

    >>> Regional(until=0.5).until
    0.5
    """

    paper: ClassVar[str] = "chen2024regional"
    aliases: ClassVar[tuple[str, ...]] = ("regional_prompts",)
    rank: ClassVar[Rank] = Rank.REFINE
    space: ClassVar[str] = "any"

    until: float = 1.0

    def __post_init__(self) -> None:
        self.check("until", 0, 1)

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Confine the words' own answer."""
        main = branches["main"]
        if not main.prompt.regions or "text" in main.drop or step.encoder is None or step.share >= self.until:
            return branches
        regions = read_regions(main.prompt, step.encoder.spans(main.prompt.text.strip()))
        return {**branches, "main": main.edited(Confined(regions=regions))}


@dataclass(frozen=True, kw_only=True)
class Confined(AttentionEdit):
    """Words and picture see each other within regions.

    Args:
        regions: Each with the places of its words among the text tokens.
    """

    regions: tuple[tuple[Region, tuple[int, ...]], ...]

    def touches(self, site: AttentionSite) -> bool:
        """Act where a whole picture attends to words."""
        return site.text is not None and site.grid is not None and site.kind in ("cross", "joint")

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        """Return what hides words from places, and places from words (queries, keys)."""
        assert site.text is not None
        assert site.grid is not None
        hidden = torch.zeros(query.shape[2], key.shape[2], dtype=torch.bool)
        every = [token for _, tokens in self.regions for token in tokens]
        for region, tokens in self.regions:
            words = torch.tensor(tokens) + site.text.start
            outside = torch.from_numpy(cover(region, *site.grid)).flatten() == 0
            hidden[site.image, words] |= outside[:, None]
            if site.kind == "joint":  # one sequence: what is a query is a key as well
                hidden[words, site.image] |= outside
                others = torch.tensor([token for token in every if token not in tokens], dtype=torch.int64)
                hidden[words[:, None], others + site.text.start] = True
        return torch.zeros(hidden.shape).masked_fill_(hidden, _NEVER).to(query)
