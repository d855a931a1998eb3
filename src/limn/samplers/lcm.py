"""LCM: jump to the clean state, and back to a lower noise level with fresh noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.sampler import Grid, Predict, Sampler, fresh_noise
from limn.kernel.step import Step

_DATA = 0.5  # standard deviation of the data, as the consistency models of the paper have it


@dataclass(frozen=True, kw_only=True)
class LCM(Sampler):
    """Multistep latent consistency sampling (Luo et al. 2023, algorithm 3), for models distilled to a few steps.

    On variance-preserving levels the clean state is ``c_out * answer + c_skip * x`` with ``c_skip = d^2 / (t^2 +
    d^2)`` and ``c_out = t / sqrt(t^2 + d^2)``, where d is 0.5 and t the network's time by ``timestep_scaling``;
    elsewhere it is the answer. Discrete timesteps are those of a distillation in 50 steps.

    Args:
        timestep_scaling: How fast the answer takes over from the state, above 0.
    """

    paper: ClassVar[str] = "luo2023lcm"
    aliases: ClassVar[tuple[str, ...]] = ("latent_consistency",)
    grid: ClassVar[Grid] = "distilled"

    timestep_scaling: float = 10.0

    def __post_init__(self) -> None:
        value = self.timestep_scaling
        if not 0 < value < math.inf:
            raise InputError(f"sampler lcm: timestep_scaling={value} is not allowed; give a finite number above 0")

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        here, there = step.level, step.next
        if here.alpha < 1 < here.alpha + here.sigma - 1e-9:
            time = here.time * self.timestep_scaling
            power = time**2 + _DATA**2
            clean = time / math.sqrt(power) * clean + _DATA**2 / power * step.x
        return there.alpha * clean + there.sigma * fresh_noise(step) if there.sigma else there.alpha * clean
