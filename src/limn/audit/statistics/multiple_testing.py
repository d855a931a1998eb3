"""Many tests at once: p-values that hold together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from limn.audit.statistics.estimate import check_level
from limn.audit.statistics.resampling import Floats
from limn.kernel.errors import InputError


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
    return _adjusted(ps, _holm, level, "Holm, any false finding")


def benjamini_hochberg(ps: Sequence[float | None], *, level: float = 0.95) -> Adjusted:
    """Return Benjamini and Hochberg's (1995) p-values, for grids: the share of false findings stays at 1 - level.

    >>> [round(p, 3) for p in benjamini_hochberg([0.01, 0.04, 0.03]).p]
    [0.03, 0.04, 0.04]
    """
    return _adjusted(ps, _benjamini_hochberg, level, "Benjamini-Hochberg, share of false findings")


# Written out, since a package that has them takes seconds to load; statsmodels is what the tests compare with.
def _holm(rising: Floats) -> Floats:
    return np.asarray(np.maximum.accumulate(rising * np.arange(len(rising), 0, -1)))


def _benjamini_hochberg(rising: Floats) -> Floats:
    share = np.arange(1, len(rising) + 1) / len(rising)
    return np.asarray(np.minimum.accumulate((rising / share)[::-1])[::-1])


def _adjusted(ps: Sequence[float | None], method: Callable[[Floats], Floats], level: float, how: str) -> Adjusted:
    values, alpha = [p for p in ps if p is not None], 1 - check_level(level)
    if not all(0 <= p <= 1 for p in values):
        raise InputError("p-values must lie in [0, 1]; pass None where nothing was tested")
    order, wider = np.argsort(values, kind="stable"), np.empty(len(values))
    wider[order] = np.minimum(method(np.asarray(values, float)[order]), 1.0)
    tested = iter(wider.tolist())
    adjusted = tuple(None if p is None else next(tested) for p in ps)
    rejected = tuple(p is not None and p <= alpha + 1e-12 for p in adjusted)
    return Adjusted(adjusted, rejected, len(values), level, f"{how}, {len(values)} tests")
