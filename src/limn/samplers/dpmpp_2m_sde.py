"""DPM-Solver++ (2M) SDE: its steps, with a share of the noise replaced by fresh noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.level import Level
from limn.kernel.sampler import Predict, fresh_noise
from limn.kernel.step import Step
from limn.samplers.dpmpp_2m import DPMpp2M


@dataclass(frozen=True, kw_only=True)
class DPMpp2MSDE(DPMpp2M):
    """The second-order multistep solver of the diffusion SDE (Lu et al. 2022, appendix A), one prediction a step.

    Args:
        lower_order_final: Take the last step without extrapolation when there are fewer than 15; a step to the
            clean state never extrapolates.
        eta: How fast old noise is replaced, from 0 (``dpmpp_2m``) to 1 (the paper's).
    """

    aliases: ClassVar[tuple[str, ...]] = ("dpm++ 2m sde", "dpm++_2m_sde", "sde-dpmsolver++")

    eta: float = 1.0

    def __post_init__(self) -> None:
        self.check("eta", 0, 1)

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        return sde_step(step, step.x, self.ahead(step, clean), step.level, self.eta)


def sde_step(step: Step, x: Tensor, clean: Tensor, here: Level, eta: float) -> Tensor:
    """Solve the diffusion SDE from a level to ``step.next`` exactly, as if the clean state were known.

    Args:
        step: Says where to go, and gives fresh noise.
        x: State at ``here`` (pictures, ...).
        clean: The clean state (pictures, ...).
        here: Where to start.
        eta: How fast old noise is replaced, from 0 (not at all) to 1.
    """
    there = step.next
    kept = (there.ratio / here.ratio) ** eta
    x = there.alpha * clean + there.sigma * kept * ((x - here.alpha * clean) / here.sigma)
    fresh = there.sigma * math.sqrt(1 - kept**2)
    return x + fresh * fresh_noise(step) if fresh else x
