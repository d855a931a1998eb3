"""Adaptive projected guidance: strong guidance without over-saturated colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class APG(Guidance):
    """Guide as ``base + (scale - 1) * d``, where ``d`` is a tamed difference (Sadat et al. 2025, algorithm 1).

    With ``base`` the answer with the words, ``d = base - null + momentum * d_before``; then ``d`` is shortened to
    ``radius``, and its part along ``base`` is multiplied by ``eta``. Lengths and angles are those of a whole
    picture, as a clean state; scores over tokens have no such angles, so there it is refused. ``eta=1``,
    ``momentum=0`` without a radius is classifier-free guidance.

    Args:
        scale: Guidance scale from 0 to 100; 1 asks nothing more and changes nothing.
        eta: What is kept of the part that only raises saturation, from 0 (nothing) to 1.
        radius: Longest difference (root of the sum of squares over all values), above 0; ``None`` for no limit. The
            paper has 15 for latents of 4 x 128 x 128 values and 2.5 for 4 x 64 x 64.
        momentum: Weight of the earlier differences, above -1 and below 1; negative pushes away from them.
        against: A negative prompt that takes the place of the empty one.
    """

    paper: ClassVar[str] = "sadat2025apg"
    aliases: ClassVar[tuple[str, ...]] = ("projected",)
    slot: ClassVar[str] = "scale"

    scale: float = 7.5
    eta: float = 0.0
    radius: float | None = None
    momentum: float = -0.5
    against: str = ""

    def __post_init__(self) -> None:
        self.check("scale", 0, 100)
        self.check("eta", 0, 1)
        if self.radius is not None and not 0 < self.radius < math.inf:
            raise InputError(f"radius: {self.radius} is not allowed; give a number above 0, or none")
        if not -1 < self.momentum < 1:
            raise InputError(f"momentum: {self.momentum} is not allowed; give a number between -1 and 1")

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask once more without the words, or with the negative prompt."""
        if self.scale == 1:
            return branches
        main = branches["main"]
        return {**branches, "null": main.against(self.against)}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add ``(scale - 1) * d`` to ``main``."""
        if self.scale == 1:
            return predictions
        main, base = predictions["main"], predictions.get("base", predictions["main"])
        difference = base - predictions["null"]
        if "difference" in step.memory:
            difference = difference + self.momentum * step.memory["difference"]
        step.memory["difference"] = difference.detach()
        if self.radius is not None:
            difference = difference * (self.radius / _length(difference).clamp(min=1e-12)).clamp(max=1)
        along = _along(difference, base)
        return {**predictions, "main": main + (self.scale - 1) * (difference + (self.eta - 1) * along)}


def _length(state: Tensor) -> Tensor:
    """Return the length of each picture's state as (pictures, 1, ...)."""
    return state.square().sum(tuple(range(1, state.ndim)), keepdim=True).sqrt()


def _along(state: Tensor, direction: Tensor) -> Tensor:
    """Return the part of each picture's state that lies along a direction."""
    unit = direction / _length(direction).clamp(min=1e-12)
    return (state * unit).sum(tuple(range(1, state.ndim)), keepdim=True) * unit
