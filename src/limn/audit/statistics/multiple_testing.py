"""Many tests at once: p-values that hold together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limn.audit.statistics.estimate import check_level
from limn.kernel.errors import InputError

__all__ = ["Adjusted", "benjamini_hochberg", "holm"]


@dataclass(frozen=True)
class Adjusted:
    """Adjusted p-values of a list of tests.

    Args:
        p: Adjusted p-values in the order given; None where nothing was tested.
        rejected: Which hypotheses are rejected at ``1 - level``.
        tests: How many tests were made; None does not count.
        level: 0.95 keeps the error rate at 5 %.
        how: The method and what it keeps.
    """

    p: tuple[float | None, ...]
    rejected: tuple[bool, ...]
    tests: int
    level: float
    how: str


def holm(ps: Sequence[float | None], *, level: float = 0.95) -> Adjusted:
    """Return Holm's (1979) p-values, for a headline list: the chance of any false finding stays at 1 - level.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03]).p]
    [0.03, 0.06, 0.06]
    """
    values = _tested(ps)
    order = np.argsort(values, kind="stable")
    steps = values[order] * (len(values) - np.arange(len(values)))
    return _adjusted(ps, order, np.maximum.accumulate(steps), level, "Holm, any false finding")


def benjamini_hochberg(ps: Sequence[float | None], *, level: float = 0.95) -> Adjusted:
    """Return Benjamini and Hochberg's (1995) p-values, for grids: the share of false findings stays at 1 - level.

    >>> [round(p, 3) for p in benjamini_hochberg([0.01, 0.04, 0.03]).p]
    [0.03, 0.04, 0.04]
    """
    values = _tested(ps)
    order = np.argsort(values, kind="stable")
    steps = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _adjusted(
        ps, order, np.minimum.accumulate(steps[::-1])[::-1], level, "Benjamini-Hochberg, share of false findings"
    )


def _tested(ps: Sequence[float | None]) -> NDArray[np.float64]:
    values = np.array([p for p in ps if p is not None], float)
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError("p-values must lie in [0, 1]; pass None where nothing was tested")
    return values


def _adjusted(
    ps: Sequence[float | None], order: NDArray[np.int64], steps: NDArray[np.float64], level: float, how: str
) -> Adjusted:
    adjusted = np.empty(len(steps))
    adjusted[order] = np.minimum(steps, 1)
    left = iter(adjusted.tolist())
    found = tuple(None if p is None else float(next(left)) for p in ps)
    rejected = tuple(p is not None and p <= 1 - check_level(level) + 1e-12 for p in found)
    return Adjusted(found, rejected, len(steps), level, f"{how}, {len(steps)} tests")
