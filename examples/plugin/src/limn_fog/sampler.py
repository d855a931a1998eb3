"""Steady: a deterministic walk that trusts what it saw before as well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from limn import Level, Predict, Sampler, Step, Streams

__all__ = ["Steady"]


@dataclass(frozen=True, kw_only=True)
class Steady(Sampler):
    """Step as DDIM does (Song et al. 2021, equation 12), to a running mean of the predicted pictures.

    Args:
        momentum: Share of the mean that each step keeps, from 0 (DDIM) to below 1.
    """

    paper: ClassVar[str] = "song2021ddim"

    momentum: float = 0.2

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk as :meth:`limn.Sampler.walk` says."""
        x, mean = start, None
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=len(levels) - 1, x=x, level=here, next=there, streams=streams)
            clean = predict(step)
            mean = clean if mean is None else self.momentum * mean + (1 - self.momentum) * clean
            noise = (x - here.alpha * mean) / here.sigma
            x = there.alpha * mean + there.sigma * noise
            yield replace(step, x=x, clean=clean)
