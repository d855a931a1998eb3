"""Inversion: from a picture back to the noise that a deterministic first-order walk would draw it from.

A step of DDIM or Euler leads from a state ``x`` at more noise to ``y`` at less, by the noise and the clean state
that the network finds in ``x``. Walking back, only ``y`` is known. The plain way asks about ``y`` in place of ``x``,
at the level of ``x`` (DDIM inversion; Song et al. 2021, section 4.3). Asking once more about what was found comes
nearer to the ``x`` that leads to ``y``, which is the fixed point (Pan et al. 2023, arXiv:2309.04907).

On variance-preserving and exploding levels ``x / alpha`` goes along the noise as ``sigma / alpha`` grows; on flow
levels, where that is infinite in the end, ``x`` goes along ``noise - clean`` as t grows. Both have one fixed point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from limn.kernel.level import Level
from limn.kernel.sampler import Predict
from limn.kernel.step import Step


def inverted(predict: Predict, clean: Tensor, levels: Sequence[Level], *, refine: int = 0) -> Iterator[Step]:
    """Walk from clean states back to noise.

    Args:
        predict: Answers a step with the clean state.
        clean: States at the last level (pictures, ...).
        levels: Of the walk that is inverted, from noise to picture.
        refine: How often each step is corrected.

    Yields:
        After each step, the step with ``x`` at ``next`` and ``clean`` as predicted.
    """
    x, total = clean, len(levels) - 1
    for index, (less, more) in enumerate(pairwise(reversed(levels))):
        guess = x
        for _ in range(1 + refine):
            answer = predict(Step(index=index, total=total, x=guess, level=more, next=less))
            guess = _back(x, less, more, answer, (guess - more.alpha * answer) / more.sigma)
        x = guess
        yield Step(index=index, total=total, x=x, level=less, next=more, clean=answer)


def _back(x: Tensor, less: Level, more: Level, clean: Tensor, noise: Tensor) -> Tensor:
    """Return the state at more noise than ``x`` has, by the clean state and the noise found there."""
    if math.isclose(more.alpha + more.sigma, 1):
        here, there = less.alpha + less.sigma, more.alpha + more.sigma
        return there * (x / here + (more.sigma / there - less.sigma / here) * (noise - clean))
    return more.alpha / less.alpha * (x - less.sigma * noise) + more.sigma * noise
