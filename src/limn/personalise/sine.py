"""SINE: one picture, learned in patches on a coordinate grid, to be edited by words (Zhang et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from limn.kernel.adapter import RowAdapter
from limn.kernel.errors import InputError
from limn.personalise.denoising import WHOLE, Box, Rows
from limn.personalise.factors import TrainableFactors
from limn.personalise.grid import MIX, Grid, TrainableGrid
from limn.personalise.lora import network_of, part_of
from limn.personalise.method import Given, Lesson, Method, named
from limn.personalise.trainable import Several, Trainable
from limn.train.batches import signed


@dataclass(frozen=True, kw_only=True)
class SINE(Method):
    """Learn one picture, whole and in patches: each step sees a part, and a grid that says which.

    Then ask both models: ``--guide "mixture:model=FILE,prompt=a zorp dog,v=0.7,until=0.6"`` draws the prompt by the
    untouched model and the learned picture's layout by the other.

    Args:
        rank: Of low-rank factors, so that both models share one forward.
        patches: Share of steps that see a part of the picture; 0 is plain fine-tuning, without a grid.
        least: Smallest side of a part, as a share of the picture's.
        crops: How many parts there are, drawn once.
    """

    paper = "zhang2023sine"
    stops: ClassVar[bool] = False

    most: int = 400
    rank: int = 16
    patches: float = 0.7
    least: float = 0.1
    crops: int = 128

    def __post_init__(self) -> None:
        self.check(rank=(1, 1024), patches=(0, 1), least=(0.01, 1), crops=(1, 10_000))

    @classmethod
    def further(cls, network: nn.Module, extra: Mapping[str, Tensor], weight: float) -> RowAdapter | None:
        """Return the grid of the whole picture."""
        return Grid(network, weight * extra[MIX]) if extra.keys() == {MIX} else None

    def lesson(self, given: Given) -> Lesson:
        """Return what is to be done: the whole picture and parts of it, with one caption."""
        if len(given.shown) != 1:
            raise InputError(f"pictures: sine learns one, {len(given.shown)} are given; use dreambooth for several")
        shown, height, width = given.shown[0], *given.generator.size
        caption = shown.caption or named(self.word, self.thing)
        boxes = self.boxes(given.seed)
        large = np.stack([shown.square(2 * height, 2 * width)])
        whole = given.encoded(given.shown)
        parts = given.states(torch.cat([_cut(signed(large), box, (height, width)) for box in boxes]))

        def rows(step: int, generator: torch.Generator) -> Rows:
            cut = torch.rand(self.batch, generator=generator) < self.patches
            chosen = torch.randint(len(boxes), (self.batch,), generator=generator)
            clean = torch.where(cut[:, None, None, None], parts[chosen], whole)
            where = [
                boxes[place] if one else WHOLE for place, one in zip(chosen.tolist(), cut.tolist(), strict=True)
            ]
            return Rows.of(clean, [caption] * self.batch, boxes=where if self.patches else ())

        network = network_of(given.stage)
        change: Trainable = TrainableFactors(network, rank=self.rank, seed=given.seed, part=part_of(given.stage))
        change = Several(change, TrainableGrid(network)) if self.patches else change
        thing = named("", self.thing)
        return Lesson(
            change=change,
            rows=rows,
            held=Rows.of(whole, [caption]),
            ordinary=Rows.of(whole, [thing]),
            prompts=[caption],
            plain=thing,
        )

    def boxes(self, seed: int) -> list[Box]:
        """Return the parts: height and width drawn apart, from the smallest to the whole (as the authors' code)."""
        rng, boxes = np.random.default_rng([seed, 11]), list[Box]()
        for _ in range(self.crops):
            wide, high = rng.uniform(self.least, 1, 2).tolist()
            left, top = (float(rng.uniform(0, 1 - side)) for side in (wide, high))
            boxes.append((left, top, min(1.0, left + wide), min(1.0, top + high)))
        return boxes


def _cut(picture: Tensor, box: Box, size: tuple[int, int]) -> Tensor:
    """Return a part of a picture (1, 3, height, width), scaled to a size."""
    high, wide = picture.shape[2:]
    left, top, right, bottom = (round(share * side) for share, side in zip(box, (wide, high) * 2, strict=True))
    piece = picture[:, :, top : max(bottom, top + 1), left : max(right, left + 1)]
    return torch.nn.functional.interpolate(piece, size, mode="bilinear", antialias=True, align_corners=False)
