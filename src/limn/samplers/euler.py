"""Euler: follow the flow from one noise level straight to the next, with noise churned in if wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.sampler import Predict, Sampler, fresh_noise
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class Euler(Sampler):
    """The first-order sampler of Karras et al. 2022 (algorithm 2 without the correction), for any noise schedule.

    Churn raises sigma / alpha by a factor, at most the root of 2, with fresh noise before it falls. Here the network
    is asked before that, so only about levels of its schedule; the noise then left is a mix of old and fresh noise.

    Args:
        s_churn: Amount of noise churned over the walk; 0 for the deterministic sampler.
        s_tmin: Smallest sigma / alpha with churn.
        s_tmax: Largest sigma / alpha with churn; ``None`` for no limit.
        s_noise: Standard deviation of the fresh noise.
    """

    paper: ClassVar[str] = "karras2022edm"

    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float | None = None
    s_noise: float = 1.0

    def __post_init__(self) -> None:
        for name in ("s_churn", "s_tmin", "s_noise"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"sampler euler: {name} is not allowed; give a finite number of at least 0")

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        here, there = step.level, step.next
        noise = (step.x - here.alpha * clean) / here.sigma
        kept = 1 / (1 + self._gamma(here, step.total))
        if kept < 1:
            fresh = self.s_noise * fresh_noise(step)
            noise = kept * noise + math.sqrt(1 - kept**2) * fresh
        return there.alpha * clean + there.sigma * noise

    def _gamma(self, level: Level, total: int) -> float:
        """Return the share by which sigma / alpha is raised."""
        above = self.s_tmax is not None and level.ratio > self.s_tmax
        if above or level.ratio < self.s_tmin:
            return 0.0
        return min(self.s_churn / total, math.sqrt(2) - 1)
