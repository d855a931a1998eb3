"""Measuring how fast a sampler converges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from ideal import Mixture, path, walk
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler


@pytest.fixture
def slope() -> Callable[[Sampler, str], float]:
    """Measured order of convergence on a two-peaked distribution, from 80 to 160 steps.

    A noiseless walk keeps the quantile of every number exactly, so the error needs no reference solution.
    """

    def measure(sampler: Sampler, family: str) -> float:
        mixture, errors = Mixture(), []
        for steps in (80, 160):
            levels = path(family, steps)
            spread = math.hypot(levels[0].sigma, 0.9 * levels[0].alpha)
            start = spread * torch.linspace(-2, 2, 101, dtype=torch.float64)[None]
            end = walk(sampler, levels, start, mixture)
            gap = mixture.quantile(end, levels[-1]) - mixture.quantile(start, levels[0])
            errors.append(gap.abs().max().item())
        return math.log2(errors[0] / errors[1])

    return measure


class Axes(Streams):
    """Draws the unit vectors one after another, so that a linear walk leaves its noises side by side."""

    def __init__(self) -> None:
        super().__init__([0])
        self.drawn = 0

    def normal(self, shape: Sequence[int]) -> Tensor:
        self.drawn += 1
        return torch.eye(shape[0])[self.drawn : self.drawn + 1]


@pytest.fixture
def variance_slope() -> Callable[[Sampler, str], float]:
    """Order at which the variance of the walk's end approaches that of Gaussian data, from 100 to 200 steps.

    For Gaussian data a perfect network is linear. Started at one unit vector and fed the others as noise, a walk
    ends at the weights of its independent noises; the sum of their squares is its variance, without sampling.
    """

    def measure(sampler: Sampler, family: str) -> float:
        mixture, errors = Mixture(means=(0.0,), spread=0.6), []
        for steps in (100, 200):
            levels = path(family, steps)
            first, last = levels[0], levels[-1]
            start = torch.eye(steps + 1, dtype=torch.float64)[:1] * math.hypot(0.6 * first.alpha, first.sigma)
            *_, step = sampler.walk(mixture.predict, start, levels, Axes())
            exact = (0.6 * last.alpha) ** 2 + last.sigma**2
            errors.append(abs(step.x.square().sum().item() / exact - 1))
        return math.log2(errors[0] / errors[1])

    return measure
