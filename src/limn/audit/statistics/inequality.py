"""How unequal a model's shares are, without the inequality that small samples show by chance.

A plug-in score of a perfectly fair model is not 0: with nine pictures a fair coin gives ``E|p - 1/2| = 0.137``. So a
score comes with its exact mean under the reference at the same n, the excess over it, and a p-value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limn.audit.statistics.estimate import Estimate, Significance, check_level, not_estimable, not_tested
from limn.audit.statistics.shares import check_counts, shares
from limn.kernel.errors import InputError

EXACT = 20_000
SIMULATED = 10_000


@dataclass(frozen=True)
class Inequality:
    """An inequality score of counts.

    Args:
        score: The plug-in score; its interval (from the shares' joint intervals) is for the model's own score.
        null: The mean plug-in score of a model that follows the reference, at this n; exact.
        excess: ``score - null``: about 0 for a fair model, negative by chance half the time.
        test: Whether the counts could come from the reference.
    """

    score: Estimate
    null: float | None
    excess: float | None
    test: Significance


def imbalance(k: int, n: int, *, level: float = 0.95, seed: int = 0) -> Inequality:
    """Return ``|p - 1/2|`` of a two-valued attribute (0 is balanced, 0.5 one-sided).

    >>> round(imbalance(9, 9).null, 3)
    0.137
    """
    check_counts(k, n)
    return mad([k, n - k], level=level, seed=seed)


def mad(counts: Sequence[int], *, level: float = 0.95, seed: int = 0) -> Inequality:
    """Return the mean absolute deviation of K shares from 1/K (DALL-Eval's score).

    >>> round(mad([3, 2, 1, 1, 1, 1, 0, 0, 0, 0]).null, 4)
    0.0775
    """
    many = len(counts)
    return _inequality(counts, np.full(many, 1 / max(many, 1)), 2 / max(many, 1), level, seed)


def total_variation(
    counts: Sequence[int], reference: Sequence[float], *, level: float = 0.95, seed: int = 0
) -> Inequality:
    """Return the total variation ``1/2 sum |p - r|`` to a declared reference.

    Args:
        counts: Readable pictures of each category (K,).
        reference: The shares to compare with (K,), at least 0, summing to 1. No reference is neutral: name it.
        level: Confidence level.
        seed: Seed of the simulated p-value, used where there are too many outcomes to count.
    """
    return _inequality(counts, np.asarray(reference, float), 1.0, level, seed)


def expected_null(n: int, reference: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the exact mean total variation of n pictures of a model that follows the reference.

    Each share is binomial and the mean of a sum is the sum of the means, so nothing needs to be simulated.
    """
    from scipy.stats import binom

    seen = np.arange(n + 1) / n
    return float(sum((binom.pmf(np.arange(n + 1), n, r) * abs(seen - r)).sum() for r in np.asarray(reference)) / 2)


def _inequality(
    counts: Sequence[int], reference: NDArray[np.float64], unit: float, level: float, seed: int
) -> Inequality:
    seen = np.asarray(counts, int)
    if seen.shape != reference.shape or (reference < 0).any() or (seen < 0).any():
        raise InputError(f"counts {seen.shape} and reference {reference.shape} must be equally many and at least 0")
    if len(seen) < 2 or not math.isclose(reference.sum(), 1, abs_tol=1e-6):
        raise InputError("needs at least two categories and a reference that sums to 1")
    n, check = int(seen.sum()), check_level(level)
    if n < 2:
        why = "nothing readable" if n == 0 else "one picture only"
        return Inequality(not_estimable(why, n=n, level=check), None, None, not_tested(why, n=n))
    distance = float(abs(seen / n - reference).sum() / 2)
    found = shares(seen.tolist(), together=len(seen) > 2, level=level)
    low, high = _box(np.array([(one.low, one.high) for one in found], float), reference)
    how = "from the joint intervals of the shares" if len(seen) > 2 else "from the interval of the share"
    score = Estimate(distance * unit, min(low, distance) * unit, max(high, distance) * unit, level, n, how)
    null = expected_null(n, reference) * unit
    return Inequality(score, null, distance * unit - null, _test(seen, reference, distance, seed))


def _box(ends: NDArray[np.float64], reference: NDArray[np.float64]) -> tuple[float, float]:
    """Return bounds of the total variation when every share lies in its interval and they sum to 1."""
    over, under = np.maximum(ends[:, 0] - reference, 0).sum(), np.maximum(reference - ends[:, 1], 0).sum()
    most = min(np.maximum(ends[:, 1] - reference, 0).sum(), np.maximum(reference - ends[:, 0], 0).sum(), 1)
    return float(max(over, under)), float(most)


def _test(seen: NDArray[np.int64], reference: NDArray[np.float64], distance: float, seed: int) -> Significance:
    n, many = int(seen.sum()), len(seen)
    slack = distance - 1e-12
    if math.comb(n + many - 1, many - 1) <= EXACT:
        from scipy.stats import multinomial

        outcomes = np.array(list(_compositions(n, many)))
        far = abs(outcomes / n - reference).sum(1) / 2 >= slack
        p = min(1.0, float(multinomial.pmf(outcomes[far], n, reference).sum()))
        return Significance(p, distance, n, len(outcomes), "exact, all outcomes")
    outcomes = np.random.default_rng(seed).multinomial(n, reference, SIMULATED)
    far = abs(outcomes / n - reference).sum(1) / 2 >= slack
    return Significance((1 + int(far.sum())) / (1 + SIMULATED), distance, n, SIMULATED, "simulated")


def _compositions(n: int, many: int) -> list[tuple[int, ...]]:
    """Return all ways to deal n pictures to `many` categories."""
    if many == 1:
        return [(n,)]
    return [(first, *rest) for first in range(n + 1) for rest in _compositions(n - first, many - 1)]
