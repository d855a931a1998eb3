"""CFG-Zero*: classifier-free guidance with the null answer scaled to fit, and a still start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from limn.kernel.branch import Branches
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class CFGZero(Guidance):
    """Guide as ``s v0 + scale * (v - s v0)`` with ``s = <v, v0> / |v0|^2`` (Fan et al. 2025, algorithm 1).

    ``v`` is the slope of the walk for the answer with the words, ``v0`` for the one without them, and ``s``, each
    picture's own, makes ``s v0`` the multiple of ``v0`` closest to ``v``. For flow models the slope is the velocity,
    ``noise - clean``, as in the paper; for others it is the noise, the slope over noise over signal. In clean states
    that is ``base - s * null - (1 - s) * x / k`` times ``scale - 1`` added to ``main``, where k is 1 for flows and
    alpha for others. In the first steps the slope is 0: the state stays where it is.

    Args:
        scale: Guidance scale from 0 to 100; 1 only stands still at the start.
        against: A negative prompt that takes the place of the empty one.
        zero_init: Share of the walk that stands still at its start, from 0 to 1, in whole steps; none of a walk with
            fewer than 25 by default, the paper's 0.04.
    """

    paper: ClassVar[str] = "fan2025cfgzero"
    aliases: ClassVar[tuple[str, ...]] = ("cfg_zero_star", "cfg-zero*")
    slot: ClassVar[str] = "scale"

    scale: float = 7.5
    against: str = ""
    zero_init: float = 0.04

    def __post_init__(self) -> None:
        self.check("scale", 0, 100)
        self.check("zero_init", 0, 1)

    def still(self, step: Step) -> bool:
        """Say whether the state stays where it is."""
        return step.index < math.floor(self.zero_init * step.total + 1e-6)

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask once more without the words, or with the negative prompt."""
        if self.scale == 1 or self.still(step):
            return branches
        main = branches["main"]
        return {**branches, "null": main.against(self.against)}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add what the guided slope changes to ``main``."""
        main, base = predictions["main"], predictions.get("base", predictions["main"])
        level = step.level
        flow = math.isclose(level.alpha + level.sigma, 1)
        origin = step.x.detach() / (1 if flow else level.alpha)  # the clean state of slope 0
        if self.still(step):
            return {**predictions, "main": main + (origin - base)}
        if self.scale == 1:
            return predictions
        null = predictions["null"]
        fit = _fit(origin - base, origin - null)
        return {**predictions, "main": main + (self.scale - 1) * (base - fit * null - (1 - fit) * origin)}


def _fit(slope: Tensor, null: Tensor) -> Tensor:
    """Return the multiple of ``null`` that is closest to ``slope``, (pictures, 1, ...)."""
    wide = torch.promote_types(slope.dtype, torch.float32)
    one, other = slope.detach().to(wide), null.detach().to(wide)
    axes = tuple(range(1, slope.ndim))
    fit = (one * other).sum(axes, keepdim=True) / other.square().sum(axes, keepdim=True).clamp(min=1e-8)
    return fit.to(slope.dtype)
