"""DPM-Solver++ (2M): extrapolate the clean state from the last two predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Literal

from torch import Tensor

from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict, Sampler
from limn.kernel.step import Level, Step

__all__ = ["DPMpp2M"]


@dataclass(frozen=True, kw_only=True)
class DPMpp2M(Sampler):
    """The second-order multistep solver of Lu et al. 2022 (algorithm 2), one prediction a step.

    Args:
        lower_order_final: Take the last step without extrapolation when there are fewer than 15; a step to the
            clean state never extrapolates.
    """

    paper: ClassVar[str] = "lu2022dpmpp"
    aliases: ClassVar[tuple[str, ...]] = ("dpm",)
    order: ClassVar[int] = 2
    grid: ClassVar[Literal["whole", "fractional", "inner"]] = "inner"

    lower_order_final: bool = True

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk as :meth:`Sampler.walk` says."""
        x, total = start, len(levels) - 1
        before: tuple[Tensor, float] | None = None
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=total, x=x, level=here, next=there, streams=streams)
            clean = ahead = predict(step)
            # The log signal-to-noise ratio grows by this much; infinite from pure noise and to the clean state.
            growth = math.log(here.ratio / there.ratio) if there.sigma and here.alpha else math.inf
            final = there.sigma == 0 or (index == total - 1 and self.lower_order_final and total < 15)
            if before is not None and not final:
                ahead = clean + growth / (2 * before[1]) * (clean - before[0])
            before = clean, growth
            x = there.alpha * ahead + there.sigma / here.sigma * (x - here.alpha * ahead)
            yield replace(step, x=x, clean=clean)
