"""Euler ancestral: an Euler step below the next noise level, and fresh noise back up to it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict, Sampler
from limn.kernel.step import Level, Step

__all__ = ["EulerAncestral"]


@dataclass(frozen=True, kw_only=True)
class EulerAncestral(Sampler):
    """EulerAncestral sampling in the sigma of the variance-exploding convention (Song et al. 2021, equation 47).

    The step is that of :class:`~limn.samplers.ddim.DDIM` with ``eta`` 1; the levels are those of Euler.

    Args:
        eta: Share of fresh noise, from 0 (the Euler step) to 1.
    """

    paper: ClassVar[str] = "song2021sde"
    aliases: ClassVar[tuple[str, ...]] = ("ancestral", "euler_a")

    eta: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.eta <= 1:
            raise InputError(f"sampler ancestral: eta={self.eta} is not allowed; give a number from 0 to 1")

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk as :meth:`Sampler.walk` says."""
        x = start
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=len(levels) - 1, x=x, level=here, next=there, streams=streams)
            clean = predict(step)
            noise = (x - here.alpha * clean) / here.sigma
            up = self.eta * there.ratio * math.sqrt(1 - (there.ratio / here.ratio) ** 2)
            down = math.sqrt(there.ratio**2 - up**2)
            x = there.alpha * (clean + down * noise)
            if up:
                x = x + there.alpha * up * streams.normal(x.shape[1:]).to(x)
            yield replace(step, x=x, clean=clean)
