"""Heun: an Euler step, corrected by the slope found where it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from limn.kernel.sampler import Predict, Sampler
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class Heun(Sampler):
    """The deterministic second-order sampler of Karras et al. 2022 (algorithm 1).

    Slopes are averaged over sigma / alpha, or over t for flow levels, where sigma / alpha starts at infinity.
    """

    paper: ClassVar[str] = "karras2022edm"
    order: ClassVar[int] = 2
    calls: ClassVar[int] = 2

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        here, there = step.level, step.next
        noise = (step.x - here.alpha * clean) / here.sigma
        x = there.alpha * clean + there.sigma * noise
        if there.sigma == 0:
            return x
        # With c = alpha + flow * sigma and t = sigma / c, the slope of x / c over t is noise - flow * clean.
        flow = float(math.isclose(here.alpha + here.sigma, 1))
        c, d = here.alpha + flow * here.sigma, there.alpha + flow * there.sigma
        span = there.sigma / d - here.sigma / c
        better = predict(replace(step, x=x, level=there, primary=False))
        bend = (x - there.alpha * better) / there.sigma - noise - flow * (better - clean)
        return x + d * span / 2 * bend
