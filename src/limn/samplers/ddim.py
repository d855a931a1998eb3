"""DDIM: keep the predicted noise, or replace a share of it by fresh noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Literal

from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict, Sampler
from limn.kernel.step import Level, Step

__all__ = ["DDIM"]


@dataclass(frozen=True, kw_only=True)
class DDIM(Sampler):
    """Denoising diffusion implicit models (Song et al. 2021, equations 12 and 16), for any noise schedule.

    Args:
        eta: Share of fresh noise, from 0 (deterministic) to 1 (as in DDPM).
    """

    paper: ClassVar[str] = "song2021ddim"
    spacing: ClassVar[Literal["leading", "trailing", "linspace"]] = "leading"
    grid: ClassVar[Literal["whole", "fractional", "inner"]] = "whole"

    eta: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.eta <= 1:
            raise InputError(f"sampler ddim: eta={self.eta} is not allowed; give a number from 0 to 1")

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk as :meth:`Sampler.walk` says."""
        x = start
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=len(levels) - 1, x=x, level=here, next=there, streams=streams)
            clean = predict(step)
            noise = (x - here.alpha * clean) / here.sigma
            fresh = self.eta * there.sigma * math.sqrt(1 - (there.ratio / here.ratio) ** 2)
            x = there.alpha * clean + math.sqrt(there.sigma**2 - fresh**2) * noise
            if fresh:
                x = x + fresh * streams.normal(x.shape[1:]).to(x)
            yield replace(step, x=x, clean=clean)
