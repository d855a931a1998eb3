"""DPM-Solver++ SDE: steps in pairs, the second of which starts again where the first did, and knows more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.sampler import Grid, Predict, Sampler
from limn.kernel.step import Step
from limn.samplers.dpmpp_2m_sde import sde_step


@dataclass(frozen=True, kw_only=True)
class DPMppSDE(Sampler):
    """The second-order singlestep solver (2S) of the diffusion SDE (Lu et al. 2022, algorithm 1 and appendix A).

    Two steps are one of the paper's, and each asks once, about a level of the schedule: n steps cost what n / 2 do
    of a sampler that asks halfway between two levels. A last step without a partner, and a step to the clean state,
    are of first order.

    Args:
        eta: How fast old noise is replaced, from 0 (the deterministic 2S solver) to 1 (the paper's).
    """

    paper: ClassVar[str] = "lu2022dpmpp"
    aliases: ClassVar[tuple[str, ...]] = ("dpm++ sde", "dpm++_sde")
    grid: ClassVar[Grid] = "inner"

    eta: float = 1.0

    def __post_init__(self) -> None:
        self.check("eta", 0, 1)

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        first = step.memory.pop("first", None)
        if first is None or step.next.sigma == 0:
            if step.level.alpha:  # from pure noise the two halves of a pair cannot be compared
                step.memory["first"] = step.x, clean, step.level
            return sde_step(step, step.x, clean, step.level, self.eta)
        x, before, start = first
        whole, half = (math.log(start.ratio / level.ratio) for level in (step.next, step.level))
        return sde_step(step, x, before + whole / (2 * half) * (clean - before), start, self.eta)
