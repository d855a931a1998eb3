"""Experts for noise levels: each learns on its own interval of the levels, from one parent (Balaji et al. 2022).

Intervals are between quantiles of the levels that are drawn, so that equal intervals are equally often needed. With
``low`` 0 and ``high`` 1 the one expert is the parent trained on, which experts have to beat at equal time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.errors import InputError
from limn.networks.experts import Expert
from limn.train.batches import PROBE
from limn.train.card import About
from limn.train.network import drawing_of
from limn.train.recipe import Recipe, within
from limn.train.task import Export, Task, autocast
from limn.train.tasks.generator import Drawing, Generator, generation


@dataclass(frozen=True, kw_only=True)
class Interval(Drawing):
    """What an expert minimises.

    Args:
        parent: A model's name or folder, whose weights stay as they are.
        low: Quantile of the noise levels from which it is asked.
        high: Quantile up to which it is asked.
    """

    parent: str = "emoji"
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, "objective.", low=(0, 1), high=(0, 1))
        if not self.low < self.high:
            raise InputError("objective: low must be less than high")

    def levels(self, rows: int, generator: torch.Generator) -> Tensor:
        """Draw noise levels of the interval (rows,)."""
        share = self.low + (self.high - self.low) * torch.rand(rows, generator=generator, dtype=torch.float64)
        return self.quantile(share).float()

    def quantile(self, share: Tensor) -> Tensor:
        """Return the noise levels below which these shares of all lie; 0 and 1 for none and all."""
        normal = math.sqrt(2) * torch.erfinv((2 * share.double() - 1).clamp(-1 + 1e-12, 1 - 1e-12))
        levels = torch.sigmoid(self.time_mean + self.time_std * normal)
        return levels.where(share > 0, 0.0).where(share < 1, 1.0)


class Experts(Task[Expert, Interval]):
    """Learning to draw at some noise levels better than the parent does."""

    paper = "balaji2022ediffi"
    config_file = "expert.json"
    Network = Expert
    Objective = Interval

    def __init__(self, recipe: Recipe, device: str) -> None:
        if recipe.init:
            raise InputError("init: an expert begins as objective.parent; leave this out")
        super().__init__(recipe, device)
        self.parent, shape, target = drawing_of(self.objective.parent, device)
        if self.objective.target != target:
            raise InputError(f"objective.target: {self.objective.parent} answers with {target}")
        known = {item.name for item in fields(Drawing)}
        objective = {name: value for name, value in recipe.objective.items() if name in known}
        plain = replace(recipe, task="generator", network=shape, objective=objective, compile="no")
        self.drawing = Generator(plain, device)
        self.drawing.network.load_state_dict(self.parent.state_dict())
        self.drawing.network.requires_grad_(False)
        self.change = self.network.change(self.drawing.network)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch, text, mask, generator = self.drawing.batch(step)
        clean, lines = self.drawing.shown(batch.clean, step)
        with autocast(self.recipe, self.device), self.change.on(None):
            network = self.drawing.network
            return generation(
                lambda x, time: network(x, time, text, mask, lines=lines), clean, self.objective, generator
            )

    def show(self, network: Expert) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Draw as the parent does but with the expert at all levels; figures: losses of both on its interval."""
        batch, text, mask, _ = self.drawing.batch(PROBE)
        with network.change(self.drawing.network).on(None):
            picture, _ = self.drawing.show(self.drawing.network)
            own = self._loss(batch.clean, text, mask)
        return picture, {"loss": own, "parent": self._loss(batch.clean, text, mask)}

    @torch.no_grad()
    def _loss(self, clean: Tensor, text: Tensor, mask: Tensor) -> float:
        network = self.drawing.network
        answers: Any = lambda x, time: network(x, time, text, mask)  # noqa: E731
        return float(generation(answers, clean.to(self.device), self.objective, self.generator(PROBE)))

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        want = cls.objective_of(recipe)
        return About(
            kind=f"An expert of {want.parent} for noise levels between quantiles {want.low:g} and {want.high:g}",
            objective=want.target,
            papers=(cls.paper, "hu2022lora"),
        )

    @classmethod
    def export(cls, network: Expert, recipe: Recipe, folder: Path, wanted: Export) -> dict[str, Any]:
        """Write the changes, and between which noise levels they are for."""
        shape, want = super().export(network, recipe, folder, wanted), cls.objective_of(recipe)
        low, high = want.quantile(torch.tensor([want.low, want.high])).tolist()
        return {"parent": want.parent, "expert": shape, "low": low, "high": high}
