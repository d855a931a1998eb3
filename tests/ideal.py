"""Perfect networks in closed form, and the exact answers that a walk with them must find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler, Schedule
from limn.kernel.step import Step
from limn.samplers.levels import Discrete, Edm, Flow

__all__ = ["SCHEDULES", "Mixture", "nothing", "path", "walk"]

SCHEDULES: dict[str, Schedule] = {
    "linear": Discrete(betas="linear", beta_start=1e-4, beta_end=0.02),
    "scaled_linear": Discrete(),
    "cosine": Discrete(betas="cosine"),
    "zero_snr": Discrete(zero_snr=True, spacing="trailing"),
    "karras": Discrete(sigmas="karras"),
    "edm": Edm(),
    "flow": Flow(),
    "flow_shifted": Flow(shift=3.0),
}


@dataclass(frozen=True)
class Mixture:
    """Numbers drawn from equally likely Gaussians, each of standard deviation ``spread``."""

    means: tuple[float, ...] = (-1.0, 0.6)
    spread: float = 0.3

    def clean(self, x: Tensor, level: Level) -> Tensor:
        """The mean of p(clean | x): what a network with the least squared error answers."""
        variance = (level.alpha * self.spread) ** 2 + level.sigma**2
        gaps = torch.stack([x - level.alpha * mean for mean in self.means])
        weights = torch.softmax(-(gaps**2) / (2 * variance), 0)
        gain = level.alpha * self.spread**2 / variance
        answers = gain * gaps + torch.tensor(self.means, dtype=x.dtype).view(-1, *[1] * x.ndim)
        return (weights * answers).sum(0)

    def quantile(self, x: Tensor, level: Level) -> Tensor:
        """P(noisy number < x) at a level; a noiseless walk keeps it, whatever the schedule."""
        deviation = math.hypot(level.alpha * self.spread, level.sigma)
        shares = [torch.erf((x - level.alpha * mean) / (deviation * math.sqrt(2))) for mean in self.means]
        return 0.5 + torch.stack(shares).mean(0) / 2

    def predict(self, step: Step) -> Tensor:
        return self.clean(step.x, step.level)


def path(family: str, steps: int) -> tuple[Level, ...]:
    """Levels that refine smoothly with the number of steps and end at a little noise."""
    shares = [k / steps for k in range(steps + 1)]
    if family == "vp":
        angles = [1.5 * (1 - share) + 0.05 * share for share in shares]
        return tuple(Level(math.cos(each), math.sin(each), each) for each in angles)
    if family == "edm":
        sigmas = [(20 ** (1 / 7) * (1 - share) + 0.05 ** (1 / 7) * share) ** 7 for share in shares]
        return tuple(Level(1.0, each, each) for each in sigmas)
    times = [1 - 0.95 * share for share in shares]
    return tuple(Level(1 - each, each, each) for each in times)


def walk(
    sampler: Sampler,
    levels: Sequence[Level],
    start: Tensor,
    mixture: Mixture | None = None,
    seeds: Sequence[int] = (0,),
) -> Tensor:
    """Walk to the end with a perfect network."""
    steps = list(sampler.walk((mixture or Mixture()).predict, start, levels, Streams(seeds)))
    return steps[-1].x


def nothing(rows: int) -> Conditioning:
    """Conditioning for networks that do not look at it."""
    return Conditioning(torch.zeros(rows, 1, 1), torch.ones(rows, 1, dtype=torch.bool))
