"""Euler ancestral: an Euler step below the next noise level, and fresh noise back up to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.sampler import Predict, Sampler, fresh_noise
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class EulerAncestral(Sampler):
    """EulerAncestral sampling in the sigma of the variance-exploding convention (Song et al. 2021, equation 47).

    The step is that of :class:`~limn.samplers.ddim.DDIM` with ``eta`` 1; the levels are those of Euler.

    Args:
        eta: Share of fresh noise, from 0 (the Euler step) to 1.
    """

    paper: ClassVar[str] = "song2021sde"
    aliases: ClassVar[tuple[str, ...]] = ("ancestral", "euler_a", "euler a", "k_euler_a")

    eta: float = 1.0

    def __post_init__(self) -> None:
        self.check("eta", 0, 1)

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        here, there = step.level, step.next
        noise = (step.x - here.alpha * clean) / here.sigma
        up = self.eta * there.ratio * math.sqrt(1 - (there.ratio / here.ratio) ** 2)
        down = math.sqrt(there.ratio**2 - up**2)
        x = there.alpha * (clean + down * noise)
        return x + there.alpha * up * fresh_noise(step) if up else x
