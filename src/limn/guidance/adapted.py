"""Adapters: changes to the model that all questions carry, or those of a part of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.options import weighed
from limn.kernel.prompt import Region
from limn.kernel.step import Step
from limn.text.regions import cover

_PART = "{} in part {}"


@dataclass(frozen=True, kw_only=True)
class Adapted(Guidance):
    """Let the model as adapters change it answer every question, with words and without (LoRA; Hu et al. 2022).

    Several add up, in any order. A region of the prompt may have an adapter of its own: then each question is asked
    once more, in the same forward, by rows that carry it, and where the region lies their answers stand. Of regions
    that overlap each has an equal share.

    Args:
        adapter: Files of adapters, each perhaps with a weight, as ``zorp.safetensors:0.8|cat.safetensors``.
        parts_of: Those that regions of the prompts name; their words are known, their changes act in the regions.

    >>> Adapted(adapter=("b.safetensors:0.5", "a.safetensors")).adapter
    ('a.safetensors', 'b.safetensors:0.5')
    """

    paper: ClassVar[str] = "hu2022lora"
    aliases: ClassVar[tuple[str, ...]] = ("lora",)
    rank: ClassVar[Rank] = Rank.WEIGHTS
    space: ClassVar[str] = "any"

    adapter: tuple[str, ...] = ()
    parts_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("adapter", "parts_of"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))
        files = [weighed(name)[0] for name in self.adapter]
        if len(set(files)) < len(files):
            twice = next(file for file in files if files.count(file) > 1)
            raise InputError(f"adapter: {twice[:100]} is given twice; give it once, with a weight")

    @property
    def adapters(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(dict.fromkeys((*self.adapter, *self.parts_of)))

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Let each question be asked of the changed model, and once more for each part with changes of its own."""
        asked: Branches = {}
        regions = _regions(branches["main"].prompt.regions)
        for name, branch in branches.items():
            asked[name] = replace(branch, carries=(*branch.carries, *self.adapter))
            for place, region in enumerate(regions):
                carries = (*asked[name].carries, region.adapter)
                asked[_PART.format(name, place)] = replace(branch, carries=carries)
        return asked

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Put together the answers of the parts."""
        parts = [_regions(prompt.regions) for prompt in step.prompts]
        most = max(map(len, parts), default=0)
        if not most:
            return predictions
        if "shares" not in step.memory:
            step.memory["shares"] = _shares(parts, most, predictions["main"])
        others = {_PART.format(name, place) for name in predictions for place in range(most)}
        joined = {}
        for name in (name for name in predictions if name not in others):
            answers = [predictions.get(_PART.format(name, place), predictions[name]) for place in range(most)]
            pairs = zip(step.memory["shares"], [predictions[name], *answers], strict=True)
            joined[name] = torch.stack([share * answer for share, answer in pairs]).sum(0)
        return joined


def _regions(regions: tuple[Region, ...]) -> list[Region]:
    return [region for region in regions if region.adapter]


def _shares(parts: list[list[Region]], most: int, like: Tensor) -> Tensor:
    """Return how much of each place each answer has, (1 + most, ...) as like; first the one without parts."""
    rows, columns = _grid(like)
    covers = torch.zeros(most, len(parts), rows, columns)
    for picture, regions in enumerate(parts):
        for place, region in enumerate(regions):
            covers[place, picture] = torch.from_numpy(cover(region, rows, columns))
    covers = covers / covers.sum(0).clamp_min(1)
    shares = torch.cat([1 - covers.sum(0, keepdim=True), covers]).to(like)
    return shares[:, :, None] if like.ndim == 4 else shares.flatten(2)[..., None]


def _grid(like: Tensor) -> tuple[int, int]:
    """Return the rows and columns of answers (pictures, channels, h, w) or (pictures, tokens, classes)."""
    if like.ndim == 4:
        return like.shape[2], like.shape[3]
    side = math.isqrt(like.shape[1])
    if side * side != like.shape[1]:
        raise InputError("region: an adapter of a part needs a square picture of this model; leave it out")
    return side, side
