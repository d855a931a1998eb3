"""Associations in an embedding space: WEAT, its image form EAT, and the single-target SC-EAT.

Effects divide by the sample standard deviation (ddof = 1) and saturate: with n targets a side no effect exceeds
``2 sqrt((2n - 1) / 2n)``, so models near that bound cannot be ranked. The raw difference of cosines goes with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import Estimate, Significance, check_level, from_draws, not_estimable, not_tested
from limn.audit.statistics.permutation import by_subject, two_samples
from limn.audit.statistics.resampling import Floats
from limn.kernel.errors import InputError


@dataclass(frozen=True)
class Association:
    """An association with its test.

    Args:
        effect: The effect size d, in standard deviations; its bootstrap interval resamples all sets.
        raw: The plain difference of mean cosines, same bootstrap.
        bound: The largest effect that sets of these sizes can show.
        test: One-sided permutation test ("greater"), exact where all partitions can be counted.
    """

    effect: Estimate
    raw: Estimate
    bound: float
    test: Significance


def cosines(x: ArrayLike, y: ArrayLike) -> Floats:
    """Return the cosine of every row of x (n, d) with every row of y (m, d), as (n, m); a zero row gives NaN."""
    first, second = np.atleast_2d(np.asarray(x, float)), np.atleast_2d(np.asarray(y, float))
    if first.shape[1] != second.shape[1]:
        raise InputError(f"embeddings differ in width: {first.shape[1]} and {second.shape[1]}; use one encoder")
    with np.errstate(invalid="ignore"):
        lengths = [np.linalg.norm(side, axis=1, keepdims=True) for side in (first, second)]
        return np.asarray((first / lengths[0]) @ (second / lengths[1]).T)


def largest_effect(n: int, m: int) -> float:
    """Return the bound of the effect size for groups of n and m.

    >>> round(largest_effect(5, 5), 2), round(largest_effect(10, 10), 2)
    (1.9, 1.95)
    """
    return math.sqrt((n + m) * (n + m - 1) / (n * m))


def weat(
    x: ArrayLike, y: ArrayLike, a: ArrayLike, b: ArrayLike, *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Association:
    """Return how much more x than y goes with a rather than b (Caliskan et al. 2017; on images EAT).

    With ``s(w) = mean cos(w, a) - mean cos(w, b)``, the effect is ``(mean_x s - mean_y s) / std_{x, y} s``; the test
    re-partitions x and y.

    Args:
        x: Embeddings of the first targets (n, d).
        y: Embeddings of the second targets (m, d).
        a: Embeddings of the first attributes.
        b: Embeddings of the second attributes.
        level: Confidence level.
        draws: Bootstrap draws; random partitions are 10,000.
        seed: Seed of both.
    """
    targets = np.vstack([np.asarray(x, float), np.asarray(y, float)])
    first, near, far = len(np.asarray(x)), cosines(targets, a), cosines(targets, b)
    scores = near.mean(1) - far.mean(1)
    rng = np.random.default_rng(seed)

    def again() -> Floats:
        sides = [side[:, rng.integers(side.shape[1], size=side.shape[1])].mean(1) for side in (near, far)]
        return np.asarray(sides[0] - sides[1])

    estimates = _effects(scores, first, [_redraw(again(), first, rng) for _ in range(draws)], level)
    return Association(*estimates, _test(scores, first, seed) if estimates[0].estimable else _untested(estimates[0]))


eat = weat


def sc_eat(
    w: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    *,
    subjects: ArrayLike | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Association:
    """Return how much nearer a single target is to group a than to group b (single-category EAT).

    ``d = (mean cos(w, a) - mean cos(w, b)) / std cos(w, a and b)``; the test re-partitions a and b.

    Args:
        w: Embedding of the target, for example a text (d,).
        a: Embeddings of the first group of pictures (n, d).
        b: Embeddings of the second group (m, d).
        subjects: Who or what each picture shows, rows of a then of b: pictures of one subject move together.
        level: Confidence level.
        draws: Bootstrap draws; random partitions are 10,000.
        seed: Seed of both.
    """
    scores = cosines(w, np.vstack([np.asarray(a, float), np.asarray(b, float)]))[0]
    first, rng = len(np.asarray(a)), np.random.default_rng(seed)
    estimates = _effects(scores, first, [_redraw(scores, first, rng) for _ in range(draws)], level)
    if not estimates[0].estimable:
        return Association(*estimates, _untested(estimates[0]))
    if subjects is None:
        return Association(*estimates, _test(scores, first, seed))
    second = np.arange(len(scores)) >= first
    return Association(*estimates, by_subject(scores, second, subjects, sides="greater", seed=seed))


def _redraw(scores: Floats, first: int, rng: np.random.Generator) -> Floats:
    """Return the scores with both groups resampled."""
    picks = rng.integers(first, size=first), rng.integers(first, len(scores), size=len(scores) - first)
    return np.asarray(scores[np.concatenate(picks)])


def _effects(scores: Floats, first: int, again: list[Floats], level: float) -> tuple[Estimate, Estimate, float]:
    n, second = len(scores), len(scores) - first
    why = "a group has fewer than two" if min(first, second) < 2 else ""
    why = why or (
        "an embedding is empty" if np.isnan(scores).any() else "all are equal" if np.ptp(scores) == 0 else ""
    )
    if why:
        nothing = not_estimable(why, n=n, level=check_level(level))
        return nothing, nothing, largest_effect(first, second) if first and second else math.nan
    drawn = np.array(again).reshape(-1, n)
    raw = scores[:first].mean() - scores[first:].mean()
    raws, spreads = drawn[:, :first].mean(1) - drawn[:, first:].mean(1), drawn.std(1, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(spreads > 0, raws / spreads, math.nan)
    effect = from_draws(raw / scores.std(ddof=1), found, level=level, n=n, how="bootstrap of all sets")
    return (
        effect,
        from_draws(raw, raws, level=level, n=n, how="bootstrap of all sets"),
        largest_effect(first, second),
    )


def _test(scores: Floats, first: int, seed: int) -> Significance:
    return two_samples(scores[:first], scores[first:], sides="greater", seed=seed)


def _untested(one: Estimate) -> Significance:
    return not_tested(one.why, n=one.n)


def relative_bias(before: ArrayLike, after: ArrayLike) -> Floats:
    """Return ``100 (after - before) / before`` of each pair of cosines (Struppek et al. 2023), in per cent.

    A ratio of cosines means nothing where ``before`` is near 0: those pairs are NaN. Report the difference too.

    >>> relative_bias([0.2, 0.25, 0.0], [0.25, 0.25, 0.1]).round(6).tolist()
    [25.0, 0.0, nan]
    """
    first, second = np.asarray(before, float), np.asarray(after, float)
    safe = np.where(abs(first) < 1e-3, math.nan, first)
    return np.asarray(100 * (second - first) / safe)
