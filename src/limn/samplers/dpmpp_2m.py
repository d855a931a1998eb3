"""DPM-Solver++ (2M): extrapolate the clean state from the last two predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.sampler import Grid, Predict, Sampler
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class DPMpp2M(Sampler):
    """The second-order multistep solver of Lu et al. 2022 (algorithm 2), one prediction a step.

    Args:
        lower_order_final: Take the last step without extrapolation when there are fewer than 15; a step to the
            clean state never extrapolates.
    """

    paper: ClassVar[str] = "lu2022dpmpp"
    aliases: ClassVar[tuple[str, ...]] = ("dpm", "dpm++ 2m", "dpm++_2m", "dpmsolver++")
    order: ClassVar[int] = 2
    grid: ClassVar[Grid] = "inner"

    lower_order_final: bool = True

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        here, there, ahead = step.level, step.next, self.ahead(step, clean)
        return there.alpha * ahead + there.sigma / here.sigma * (step.x - here.alpha * ahead)

    def ahead(self, step: Step, clean: Tensor) -> Tensor:
        """Return the clean state as extrapolated to the middle of the step, and keep what the next one needs."""
        here, there = step.level, step.next
        # The log signal-to-noise ratio grows by this much; infinite from pure noise and to the clean state.
        growth = math.log(here.ratio / there.ratio) if there.sigma and here.alpha else math.inf
        final = there.sigma == 0 or (step.index == step.total - 1 and self.lower_order_final and step.total < 15)
        before = step.memory.get("before")
        step.memory["before"] = clean, growth
        if before is not None and not final:
            clean = clean + growth / (2 * before[1]) * (clean - before[0])
        return clean
