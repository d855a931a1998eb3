"""Shares corrected for a reader that errs, from pictures whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.estimate import (
    Difference,
    Share,
    check_level,
    normal_quantile,
    readable,
    t_quantile,
    welch,
)
from limn.audit.statistics.resampling import Floats
from limn.audit.statistics.shares import check_counts
from limn.kernel.errors import InputError


def rogan_gladen(
    k: int,
    n: int,
    *,
    right_positives: int,
    positives: int,
    right_negatives: int,
    negatives: int,
    level: float = 0.95,
) -> Share:
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
        return Share.none(why, n=n, level=check_level(level), how=how)
    gain = right_positives / positives + right_negatives / negatives - 1
    z = normal_quantile(level)
    wide, many = n + z * z, (positives + 2, negatives + 2)
    q, se, sp = (k + z * z / 2) / wide, (right_positives + 1) / many[0], (right_negatives + 1) / many[1]
    better = se + sp - 1
    if gain <= 0 or better <= 0:
        return Share.none("the reader is no better than chance", n=n, level=level, how=how)
    p = (q + sp - 1) / better
    positive, negative = se * (1 - se) / many[0], sp * (1 - sp) / many[1]
    shift = 2 * z * z * (p * positive - (1 - p) * negative)
    spread = z * math.sqrt(q * (1 - q) / wide + p**2 * positive + (1 - p) ** 2 * negative) / better
    value = min(1.0, max(0.0, (k / n + right_negatives / negatives - 1) / gain))
    low, high = max(0.0, p + shift - spread), min(1.0, p + shift + spread)
    return Share(value, min(low, value), max(high, value), level, n, how)


def corrected_shares(
    counts: ArrayLike,
    confusion: ArrayLike,
    *,
    truths: ArrayLike | None = None,
    among: Sequence[int] | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[Share, ...]:
    """Return the shares of K classes among all pictures, behind a reader's counts of those that it could read.

    A picture that cannot be read says nothing of what it shows, so the readings are those of readable pictures: the
    shares among these are the ones, at least 0 and summing to 1, whose expected readings are nearest to the observed
    ones, and each is then divided by its class's readability among the calibration pictures. That assumes that
    whatever makes drawn pictures harder to read than those does so for all classes alike; :func:`bounds` says what
    is known without it. The interval draws both samples from their posteriors, with one pseudo-count in all.

    Pictures that people labelled need no correction: with ``truths`` the shares are those of labelled and unlabelled
    pictures together, each weighing by its pictures. Which were labelled may depend on what they show; among those
    that show the same it must be chance, or the reader's errors on the others are not these.

    Args:
        counts: Pictures by reading (M,), without those of ``truths``; where there are more readings than classes the
            last is "unreadable".
        confusion: Calibration pictures by truth and reading (K, M).
        truths: Labelled pictures by class (K,); none if None.
        among: Classes whose pictures are the whole; all if None. Shares of the others are then not estimable.
        level: Confidence level.
        draws: Posterior draws.
        seed: Seed of these.

    Raises:
        InputError: When the shapes do not fit.
    """
    read, table = _readable(counts, confusion)
    some = list(range(len(table)) if among is None else among)
    known, rest = _labelled(truths, table), float(np.sum(counts))
    n, how = int(read.sum() + known.sum()), "confusion matrix inverted, posterior of both samples"
    how += f", {int(known.sum())} labelled" if known.any() else ""
    why = "nothing readable" if n == 0 else _unknown(table, len(read)) if read.any() else ""
    if why:
        return tuple(Share.none(why, n=n, level=check_level(level), how=how) for _ in table)
    rng = np.random.default_rng(seed)
    readings = rng.dirichlet(read + 1 / len(read), draws) * read.sum()
    rates = _posterior(table, rng, draws)
    labels = rng.dirichlet(known + 1 / len(known), draws) * known.sum()
    again = np.array([_behind(*each, rest, some) for each in zip(readings, rates, labels, strict=True)])
    best = _behind(read, rates_of(table), known, rest, some)
    if np.isnan(best[some]).any():
        return tuple(Share.none("none of these classes is left", n=n, level=level, how=how) for _ in table)
    ends = np.nanpercentile(again, [50 * (1 - check_level(level)), 50 * (1 + level)], axis=0)
    return tuple(
        Share(float(value), min(low, value), max(high, value), level, n, how)
        if k in some
        else Share.none("is not among what is compared", n=n, level=level, how=how)
        for k, (value, low, high) in enumerate(zip(best, *ends.tolist(), strict=True))
    )


def corrected_mean(
    counts: ArrayLike,
    confusion: ArrayLike,
    of: int,
    *,
    truths: ArrayLike | None = None,
    among: Sequence[int] | None = None,
    against: ArrayLike = 0.0,
    signs: ArrayLike = 1.0,
    level: float = 0.95,
    draws: int = 300,
    seed: int = 0,
) -> Difference:
    """Return the mean over concepts of a corrected share less a reference; all share one calibration sample.

    The error of that sample moves all concepts together, so it does not shrink with their number: its variance, from
    posterior draws, is added to that of the concepts' mean, and the t quantile is for their number.

    Args:
        counts: Pictures by concept and reading (C, M), as in :func:`corrected_shares`.
        confusion: Calibration pictures by truth and reading (K, M).
        of: The class whose share it is.
        truths: Labelled pictures by concept and class (C, K), beside the counts; none if None.
        among: As in :func:`corrected_shares`.
        against: Reference of each concept (C,), or one for all.
        signs: 1 or -1 for each concept (C,): the side on which a difference counts as positive.
        level: Confidence level.
        draws: Posterior draws of the calibration sample.
        seed: Seed of these.
    """
    table, rows = np.asarray(confusion, float), np.asarray(counts, float)
    known = np.zeros((len(rows), len(table))) if truths is None else np.asarray(truths, float)
    some = list(range(len(table)) if among is None else among)
    kept = np.array(
        [_readable(row, table)[0].sum() + labels.sum() > 0 for row, labels in zip(rows, known, strict=True)]
    )
    minus, side = (np.broadcast_to(np.asarray(column, float), len(rows))[kept] for column in (against, signs))
    n = int(sum(_readable(row, table)[0].sum() for row in rows) + known.sum())
    concepts = list(zip(rows[kept], known[kept], strict=True))

    def differences(rates: Floats) -> Floats:
        return np.asarray(side * (np.array([behind(*each, rates, some)[of] for each in concepts]) - minus))

    why = _unknown(table, len(_readable(rows[0], table)[0])) if kept.sum() > 1 else ""
    if why:
        return Difference.none(why, n=n, level=check_level(level), how="confusion matrix inverted")
    return calibrated_mean(differences, table, n=n, level=level, draws=draws, seed=seed)


def behind(counts: ArrayLike, truths: ArrayLike, rates: Floats, among: Sequence[int]) -> Floats:
    """Return the shares of one group under given rates, NaN where none of the classes is left.

    Args:
        counts: Unlabelled pictures by reading (M,), "unreadable" the last.
        truths: Labelled pictures by class (K,).
        rates: P(reading | truth) (K, M).
        among: Classes whose pictures are the whole.
    """
    read, _ = _readable(counts, rates)
    return _behind(read, rates, np.asarray(truths, float), float(np.sum(counts)), list(among))


def calibrated_mean(
    figures: Callable[[Floats], Floats],
    confusion: ArrayLike,
    *,
    n: int,
    level: float = 0.95,
    draws: int = 300,
    seed: int = 0,
) -> Difference:
    """Return the mean over concepts of what follows from rates that one calibration sample estimates.

    Args:
        figures: Returns a figure of each concept under given rates P(reading | truth) (K, M); NaN is left out.
        confusion: Calibration pictures by truth and reading (K, M).
        n: Pictures that it rests on.
        level: Confidence level.
        draws: Posterior draws of the calibration sample.
        seed: Seed of these.
    """
    return calibrated_difference(lambda rates: [figures(rates)], confusion, n=n, level=level, draws=draws, seed=seed)


def calibrated_difference(
    figures: Callable[[Floats], Sequence[Floats]],
    confusion: ArrayLike,
    *,
    n: int,
    level: float = 0.95,
    draws: int = 300,
    seed: int = 0,
) -> Difference:
    """Return the mean of one group of concepts, less that of another where there is one.

    As :func:`calibrated_mean`, but ``figures`` returns those of one group, or of two that are unlike; degrees of
    freedom are Welch and Satterthwaite's.
    """
    table, how = np.asarray(confusion, float), "confusion matrix inverted, one calibration sample for all"
    values = [readable(column) for column in figures(rates_of(table))]
    if min(map(len, values)) < 2:
        why = "fewer than two concepts with readable pictures"
        return Difference.none(why, n=n, level=check_level(level), how=how)

    def mean(columns: Sequence[Floats]) -> float:
        means = [float(readable(column).mean()) for column in columns]
        return means[0] - sum(means[1:])

    again = [mean(figures(rates)) for rates in _posterior(table, np.random.default_rng(seed), draws)]
    parts = [float(column.var(ddof=1)) / len(column) for column in values]
    free = welch(parts, [len(column) for column in values])
    half = t_quantile(level, free) * math.hypot(math.sqrt(sum(parts)), float(np.std(again)))
    value, many = mean(values), " and ".join(str(len(column)) for column in values)
    return Difference(value, value - half, value + half, level, n, f"{how}, t interval of {many} concepts")


def bounds(share: Share, readable: int, drawn: int) -> tuple[float, float] | None:
    """Return the share of all drawn pictures if those that cannot be read all lacked, or all had, what is counted.

    >>> bounds(Share(0.5, 0.4, 0.6), 60, 100)
    (0.3, 0.7)
    """
    check_counts(readable, drawn)
    if share.value is None or not drawn:
        return None
    return share.value * readable / drawn, (share.value * readable + drawn - readable) / drawn


def _readable(counts: ArrayLike, confusion: ArrayLike) -> tuple[Floats, Floats]:
    """Return the counts of what was read, without "unreadable", and the whole confusion matrix."""
    seen, table = np.asarray(counts, float), np.asarray(confusion, float)
    fits = table.ndim == 2 and table.shape[1] == len(seen) >= len(table)
    if not fits or (table < 0).any() or (seen < 0).any():
        raise InputError(f"confusion must be (classes, {len(seen)}) counts, got shape {table.shape}")
    return (seen[:-1] if len(seen) > len(table) else seen), table


def _unknown(table: Floats, readings: int) -> str:
    known = table[:, :readings]
    if (known.sum(1) == 0).any():
        return "a class has no calibration pictures that could be read"
    return "" if np.linalg.matrix_rank(known) == len(known) else "the reader does not tell the classes apart"


def _behind(read: Floats, rates: Floats, truths: Floats, rest: float, some: Sequence[int]) -> Floats:
    """Return shares among pictures of some classes.

    Args:
        read: Unlabelled pictures by reading (R,), those that could be read.
        rates: P(reading | truth) (K, M).
        truths: Labelled pictures by class (K,).
        rest: Unlabelled pictures, those that could not be read included.
        some: The classes.
    """
    classes = truths
    if read.sum() > 0:
        readable = rates[:, : len(read)].sum(1)
        unlabelled = unmix(read / read.sum(), rates[:, : len(read)] / readable[:, None]) / readable
        classes = truths + rest * unlabelled / unlabelled.sum()
    whole = classes[some].sum()
    return np.asarray(classes / whole if whole > 0 else np.full(len(classes), math.nan))


def _labelled(truths: ArrayLike | None, table: Floats) -> Floats:
    known = np.zeros(len(table)) if truths is None else np.asarray(truths, float)
    if known.shape != (len(table),) or (known < 0).any():
        raise InputError(f"truths must be counts of {len(table)} classes, got shape {known.shape}")
    return known


def rates_of(table: Floats) -> Floats:
    """Return P(reading | truth) (K, M) as counted."""
    return np.asarray(table / table.sum(1, keepdims=True))


def _posterior(table: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Return draws of P(reading | truth) (draws, K, M), with one pseudo-count a class, where it was read at all."""
    return np.stack([rng.dirichlet(row + 1 / len(row), draws) for row in table], 1)


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
