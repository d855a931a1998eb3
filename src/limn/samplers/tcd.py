"""TCD: jump below the next noise level along the trajectory, and back up to it with fresh noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.sampler import Grid, Predict, Sampler, fresh_noise
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class TCD(Sampler):
    """Strategic stochastic sampling (Zheng et al. 2024, algorithm 4), for models distilled to a few steps.

    A step to timestep t goes to ``(1 - gamma) t`` as DDIM does, and back up to t with fresh noise; where a schedule
    has no timesteps, it goes to ``1 - gamma`` times the noise over signal. Discrete timesteps are those of a
    distillation in 50 steps.

    Args:
        gamma: From 0 (deterministic, as DDIM) to 1 (as a consistency model); more hides more of what the network
            answers wrongly, and costs detail.
    """

    paper: ClassVar[str] = "zheng2024tcd"
    aliases: ClassVar[tuple[str, ...]] = ("trajectory_consistency",)
    grid: ClassVar[Grid] = "trajectory"

    gamma: float = 0.3

    def __post_init__(self) -> None:
        self.check("gamma", 0, 1)

    def lands(self, time: float) -> float:
        """Return the timestep that a step to another one passes through."""
        return (1 - self.gamma) * time

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        here, there = step.level, step.next
        below = (1 - self.gamma) * there.ratio if there.below is None else there.below
        noise = (step.x - here.alpha * clean) / here.sigma
        x = there.alpha * (clean + below * noise)
        fresh = there.alpha * math.sqrt(max(there.ratio**2 - below**2, 0.0))
        return x + fresh * fresh_noise(step) if fresh else x
