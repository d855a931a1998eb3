"""DDIM: keep the predicted noise, or replace a share of it by fresh noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.sampler import Grid, Predict, Sampler, fresh_noise
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class DDIM(Sampler):
    """Denoising diffusion implicit models (Song et al. 2021, equations 12 and 16), for any noise schedule.

    Args:
        eta: Share of fresh noise, from 0 (deterministic) to 1 (as in DDPM).
    """

    paper: ClassVar[str] = "song2021ddim"
    grid: ClassVar[Grid] = "whole"

    eta: float = 0.0

    def __post_init__(self) -> None:
        self.check("eta", 0, 1)

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        here, there, x = step.level, step.next, step.x
        noise = (x - here.alpha * clean) / here.sigma
        fresh = self.eta * there.sigma * math.sqrt(1 - (there.ratio / here.ratio) ** 2)
        x = there.alpha * clean + math.sqrt(there.sigma**2 - fresh**2) * noise
        return x + fresh * fresh_noise(step) if fresh else x
