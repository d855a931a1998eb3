"""Maximum mean discrepancy: how far apart two sets of pictures are, from features (one row a picture).

Rows with NaN are unreadable pictures and left out. Distances to several sets are comparable with one bandwidth only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import Estimate, Significance, from_draws, not_estimable, not_tested
from limn.audit.statistics.permutation import arrangements, compare
from limn.audit.statistics.resampling import Floats
from limn.kernel.errors import InputError


def row_sets(*sets: ArrayLike) -> list[Floats]:
    """Return the readable rows of each set."""
    found = [np.asarray(each, float) for each in sets]
    found = [each.reshape(len(each), math.prod(each.shape[1:])) for each in found]
    if len({each.shape[1] for each in found if len(each)}) > 1:
        raise InputError("feature sets differ in width; use one encoder")
    return [each[~np.isnan(each).any(1)] for each in found]


def between(x: Floats, y: Floats) -> Floats:
    """Return Euclidean distances of all rows of x to all rows of y."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(x, y))


def median_bandwidth(*sets: ArrayLike) -> float:
    """Return the median distance between different pictures of all sets pooled; fix it before comparing sets."""
    pool = np.vstack(row_sets(*sets))
    if len(pool) < 2:
        return math.nan
    return float(np.median(between(pool, pool)[np.triu_indices(len(pool), 1)]))


def _kernel(pool: Floats, bandwidth: float | None) -> Floats:
    wide = median_bandwidth(pool) if bandwidth is None else bandwidth
    if not wide > 0:
        raise InputError("bandwidth must be above 0; half of the pictures are identical, so pass bandwidth=")
    return np.asarray(np.exp(-0.5 * (between(pool, pool) / wide) ** 2))


def _squared(kernel: Floats, first: Floats, second: Floats) -> Floats:
    """Return unbiased squared MMDs for rows of multiplicities (B, n) of both sets; no picture pairs with itself."""

    def inside(times: Floats) -> Floats:
        pairs = ((times @ kernel) * times).sum(1) - (times**2) @ np.diag(kernel)
        return np.asarray(pairs / (times.sum(1) ** 2 - (times**2).sum(1)))

    across = ((first @ kernel) * second).sum(1) / (first.sum(1) * second.sum(1))
    return np.asarray(inside(first) + inside(second) - 2 * across)


def _masks(sizes: list[int]) -> Floats:
    """Return one row a set: 1 at its pictures in the pool, 0 elsewhere."""
    return np.repeat(np.eye(len(sizes)), sizes, axis=1)


def mmd(x: ArrayLike, y: ArrayLike, *, bandwidth: float | None = None) -> float:
    """Return the unbiased squared maximum mean discrepancy with a Gaussian kernel (Gretton et al. 2012, eq. 3).

    Args:
        x: Features of the first set (n, d).
        y: Features of the second set (m, d).
        bandwidth: Width sigma of ``exp(-|a - b|^2 / 2 sigma^2)``; the pooled median distance when None.

    Returns:
        The estimate, below 0 by chance where the sets are alike; NaN below two pictures a side.
    """
    sets = row_sets(x, y)
    if min(map(len, sets)) < 2:
        return math.nan
    masks = _masks([len(each) for each in sets])
    return float(_squared(_kernel(np.vstack(sets), bandwidth), masks[:1], masks[1:])[0])


def mmd_estimate(
    x: ArrayLike,
    y: ArrayLike,
    *,
    bandwidth: float | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return the squared MMD with a bootstrap interval; whether it is 0 at all is for ``mmd_test``."""
    return _contrast([x, y], [[0, 1, 1.0]], bandwidth, level, draws, seed)


def nearest_set(
    x: ArrayLike, others: Mapping[str, ArrayLike], *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> dict[str, Estimate]:
    """Return the squared MMD from x to each set, all with the one pooled bandwidth, so that they can be compared."""
    wide = median_bandwidth(x, *others.values())
    return {
        name: mmd_estimate(x, other, bandwidth=wide, level=level, draws=draws, seed=seed)
        for name, other in others.items()
    }


def closer(
    x: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    bandwidth: float | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return squared MMD to the first set minus that to the second: below 0, x is closer to the first."""
    return _contrast([x, first, second], [[0, 1, 1.0], [0, 2, -1.0]], bandwidth, level, draws, seed)


def _contrast(
    sets: list[ArrayLike], terms: list[list[float]], bandwidth: float | None, level: float, draws: int, seed: int
) -> Estimate:
    """Return the sum of signed squared MMDs between pairs of sets, resampling the pictures of every set."""
    found = row_sets(*sets)
    sizes = [len(each) for each in found]
    if min(sizes) < 2:
        why = "nothing readable in one set" if min(sizes) == 0 else "one picture only in one set"
        return not_estimable(why, n=sum(sizes), level=level)
    kernel, masks = _kernel(np.vstack(found), bandwidth), _masks(sizes)
    rng = np.random.default_rng(seed)
    times = []
    for size, mask in zip(sizes, masks, strict=True):
        rows = np.zeros((draws, sum(sizes)))
        rows[:, mask > 0] = rng.multinomial(size, np.full(size, 1 / size), draws)
        times.append(rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        again = sum(sign * _squared(kernel, times[int(i)], times[int(j)]) for i, j, sign in terms)
    value = sum(sign * _squared(kernel, masks[[int(i)]], masks[[int(j)]])[0] for i, j, sign in terms)
    return from_draws(value, again, level=level, n=sum(sizes), how="unbiased squared MMD, bootstrap of pictures")


def mmd_test(
    x: ArrayLike, y: ArrayLike, *, bandwidth: float | None = None, draws: int = 1000, seed: int = 0
) -> Significance:
    """Test whether two sets have the same law, by rearranging their pictures; the statistic is the squared MMD."""
    sets = row_sets(x, y)
    sizes = [len(each) for each in sets]
    if min(sizes) < 2:
        return not_tested("fewer than two readable pictures in one set", n=sum(sizes))
    kernel, masks = _kernel(np.vstack(sets), bandwidth), _masks(sizes)
    rows, exact = arrangements(sum(sizes), sizes[0], draws=draws, seed=seed)
    others = _squared(kernel, rows.astype(float), (~rows).astype(float))
    observed = float(_squared(kernel, masks[:1], masks[1:])[0])
    return compare(observed, others, exact=exact, sides="greater", n=sum(sizes))
