"""Shares corrected for a reader that errs, from pictures whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.estimate import Estimate, check_level, from_draws, normal_quantile, not_estimable
from limn.audit.statistics.shares import check_counts
from limn.kernel.errors import InputError

__all__ = ["corrected_shares", "either", "rogan_gladen", "unmix"]


def rogan_gladen(
    k: int,
    n: int,
    *,
    right_positives: int,
    positives: int,
    right_negatives: int,
    negatives: int,
    level: float = 0.95,
) -> Estimate:
    """Return the share behind a reader's share (Rogan and Gladen 1978).

    ``p = (q + sp - 1) / (se + sp - 1)`` for the reader's share q, clipped to [0, 1]. The interval is the delta
    method's over the pictures and both calibration samples, with the pseudo-counts of Lang and Reiczigel (2014),
    which keep it from collapsing where the reader made no error or saw nothing.

    Args:
        k: Pictures that the reader says have the attribute.
        n: Readable pictures.
        right_positives: Calibration pictures with the attribute that the reader found.
        positives: Calibration pictures with the attribute.
        right_negatives: Calibration pictures without it that the reader passed.
        negatives: Calibration pictures without it.
        level: Confidence level.

    >>> print(rogan_gladen(276, 400, right_positives=170, positives=200, right_negatives=190, negatives=200))
    0.800 [0.727, 0.880] (95 %, n = 400, Rogan-Gladen)
    """
    for part, whole in ((k, n), (right_positives, positives), (right_negatives, negatives)):
        check_counts(part, whole)
    how = "Rogan-Gladen"
    if 0 in (n, positives, negatives):
        why = "nothing readable" if n == 0 else "the reader was not calibrated on both answers"
        return not_estimable(why, n=n, level=check_level(level), how=how)
    gain = right_positives / positives + right_negatives / negatives - 1
    z = normal_quantile(level)
    wide, many = n + z * z, (positives + 2, negatives + 2)
    q, se, sp = (k + z * z / 2) / wide, (right_positives + 1) / many[0], (right_negatives + 1) / many[1]
    better = se + sp - 1
    if gain <= 0 or better <= 0:
        return not_estimable("the reader is no better than chance", n=n, level=level, how=how)
    p = (q + sp - 1) / better
    positive, negative = se * (1 - se) / many[0], sp * (1 - sp) / many[1]
    shift = 2 * z * z * (p * positive - (1 - p) * negative)
    spread = z * math.sqrt(q * (1 - q) / wide + p**2 * positive + (1 - p) ** 2 * negative) / better
    value = min(1.0, max(0.0, (k / n + right_negatives / negatives - 1) / gain))
    low, high = max(0.0, p + shift - spread), min(1.0, p + shift + spread)
    return Estimate(value, min(low, value), max(high, value), level, n, how)


def corrected_shares(
    counts: Sequence[int], confusion: ArrayLike, *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[Estimate, ...]:
    """Return the shares of K classes behind a reader's counts: least squares on the confusion matrix.

    The shares are those, at least 0 and summing to 1, whose expected readings are nearest to the observed ones; the
    interval resamples the pictures and the calibration sample.

    Args:
        counts: Pictures by reading (M,); a last reading may be "unreadable".
        confusion: Calibration pictures by truth and reading (K, M).
        level: Confidence level.
        draws: Bootstrap draws.
        seed: Seed of the bootstrap.

    Raises:
        InputError: When the shapes do not fit.
    """
    seen, table = np.asarray(counts, float), np.asarray(confusion, float)
    if table.ndim != 2 or table.shape[1] != len(seen) or (table < 0).any() or (seen < 0).any():
        raise InputError(f"confusion must be (classes, {len(seen)}) counts, got shape {table.shape}")
    n, how = int(seen.sum()), "confusion matrix inverted, bootstrap of both samples"
    classes = len(table)
    why = "nothing drawn" if n == 0 else "a class has no calibration pictures" if (table.sum(1) == 0).any() else ""
    if not why and np.linalg.matrix_rank(table) < classes:
        why = "the reader does not tell the classes apart"
    if why:
        return tuple(not_estimable(why, n=n, level=check_level(level), how=how) for _ in range(classes))
    rng = np.random.default_rng(seed)
    totals = table.sum(1).astype(int)
    again = rng.multinomial(n, seen / n, draws) / n
    tables = np.stack([rng.multinomial(m, row / m, draws) / m for m, row in zip(totals, table, strict=True)], 1)
    found = np.array([unmix(*each) for each in zip(again, tables, strict=True)])
    best = unmix(seen / n, table / totals[:, None])
    return tuple(from_draws(best[i], found[:, i], level=level, n=n, how=how) for i in range(classes))


def unmix(readings: NDArray[np.float64], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares p >= 0 with sum 1 that minimise ``|rates.T @ p - readings|``.

    Args:
        readings: Shares of readings (M,).
        rates: Rows of P(reading | truth) (K, M).
    """
    from scipy.optimize import nnls

    # The sum constraint enters as an equation heavy enough to hold to ten digits.
    heavy = 1e5
    answer, _ = nnls(np.vstack([rates.T, np.full(len(rates), heavy)]), np.append(readings, heavy))
    return np.asarray(answer / answer.sum())


def either(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """Return sensitivity and specificity of "either detector fires", when they err independently.

    >>> tuple(round(rate, 3) for rate in either((0.8, 0.95), (0.5, 0.9)))
    (0.9, 0.855)
    """
    return 1 - (1 - first[0]) * (1 - second[0]), first[1] * second[1]
