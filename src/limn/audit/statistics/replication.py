"""Copies of training pictures: a threshold calibrated on held-out pictures, and the excess above it.

A fixed similarity threshold means nothing across encoders and data sets. Here it is the one that held-out pictures
of the same law exceed at a known rate, so legitimate look-alikes are taken off. Compare only against training sets
of the same size: the largest of more similarities is larger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.clustered import clustered_share
from limn.audit.statistics.estimate import (
    Estimate,
    Share,
    check_level,
    from_draws,
    normal_quantile,
    not_estimable,
    readable,
)
from limn.audit.statistics.resampling import Floats
from limn.audit.statistics.shares import share
from limn.audit.statistics.slopes import logit_slope
from limn.kernel.errors import InputError


@dataclass(frozen=True)
class Dose:
    """Extraction against how often a picture was in the training set.

    Args:
        doses: Numbers of copies, rising.
        shares: Share extracted at each.
        fitted: The nearest shares that never fall (isotonic regression); None where nothing was drawn.
        slope: Log odds per doubling of the copies: above 0 where duplicates are copied more.
    """

    doses: tuple[float, ...]
    shares: tuple[Estimate, ...]
    fitted: tuple[float | None, ...]
    slope: Estimate


def threshold(held: ArrayLike, *, rate: float = 0.01, level: float = 0.95) -> Estimate:
    """Return the similarity that held-out pictures exceed at a rate, with an order-statistic interval.

    The value is the ``ceil((1 - rate)(n + 1))``-th smallest: a new held-out picture exceeds it with at most that
    rate. The interval holds for any law; its high end is infinite where n is too small to bound it.

    Args:
        held: Largest similarity of each held-out picture to the training set (n,).
        rate: False positives, for example 0.01; needs n of at least 1 / rate - 1.
        level: Confidence level.
    """
    found, how = np.sort(readable(held)), f"order statistics at {100 * rate:g} % false positives"
    n, rank = len(found), _rank(len(readable(held)), rate)
    if rank > n:
        why = f"{n} held-out pictures, fewer than the {math.ceil(1 / rate - 1)} that a rate of {rate:g} needs"
        return not_estimable(why, n=n, level=check_level(level), how=how)
    from scipy.special import bdtr

    # P(X_(i) <= quantile) = P(Binomial(n, 1 - rate) >= i): the ends are the ranks that leave half the error outside.
    below, tail = bdtr(np.arange(n + 1), n, 1 - rate), (1 - check_level(level)) / 2
    low, high = int(np.searchsorted(below, tail, "right")), int(np.searchsorted(below, 1 - tail)) + 1
    ends = (float(found[low - 1]) if low else -math.inf, float(found[high - 1]) if high <= n else math.inf)
    return Estimate(float(found[rank - 1]), *ends, level, n, how)


def _rank(n: int, rate: float) -> int:
    if not 0 < rate < 1:
        raise InputError(f"rate must be in (0, 1), got {rate}; use 0.01 for 1 %")
    return math.ceil((1 - rate) * (n + 1) - 1e-9)


def excess_replication(
    generated: ArrayLike,
    held: ArrayLike,
    *,
    prompts: ArrayLike | None = None,
    rate: float = 0.01,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return the share of generated pictures that are copies beyond chance resemblance.

    ``R = (P(s > t) - a) / (1 - a)`` for the threshold t that held-out pictures exceed at a; a lower bound where some
    copies fall below t. The bootstrap of both samples is parametric, for resampling a handful of exceedances would
    not cover: the rate that the r-th of n held-out pictures leaves above itself is Beta(n + 1 - r, r) for any
    continuous law, and the generated share has Jeffreys' Beta, or the interval of its mean over prompts.

    Args:
        generated: Largest similarity of each generated picture to the training set (m,).
        held: The same for held-out pictures (n,).
        prompts: The prompt of each generated picture (m,), where pictures of one go together.
        rate: False positives of the threshold.
        level: Confidence level.
        draws: Bootstrap draws.
        seed: Seed of the bootstrap.
    """
    similar, cut = readable(generated), threshold(held, rate=rate, level=level)
    how = f"excess over {100 * rate:g} % false positives, bootstrap of both samples"
    if cut.value is None or not len(similar):
        return not_estimable(cut.why or "nothing readable", n=len(similar), level=level, how=how)
    hits, n, rank = int((similar > cut.value).sum()), cut.n, _rank(cut.n, rate)
    rng = np.random.default_rng(seed)
    chance = rng.beta(n + 1 - rank, rank, draws)
    above = rng.beta(hits + 0.5, len(similar) - hits + 0.5, draws)
    if prompts is not None:
        copied = np.where(np.isnan(np.asarray(generated, float)), math.nan, np.asarray(generated, float) > cut.value)
        share_of = clustered_share(copied, prompts, level=level)
        if not share_of.estimable:
            return not_estimable(share_of.why, n=len(similar), level=level, how=how)
        above = _drawn(share_of, rng, draws)
    mean = (n + 1 - rank) / (n + 1)
    value = (hits / len(similar) - mean) / (1 - mean)
    return from_draws(value, (above - chance) / (1 - chance), level=level, n=len(similar), how=how)


def _drawn(share: Share, rng: np.random.Generator, draws: int) -> Floats:
    """Return draws whose middle is a share's interval: a normal law of two widths."""
    assert share.value is not None and share.low is not None and share.high is not None  # noqa: PT018
    z = rng.standard_normal(draws) / normal_quantile(share.level)
    return np.asarray(share.value + z * np.where(z > 0, share.high - share.value, share.value - share.low))


def dose_response(copies: ArrayLike, hits: ArrayLike, trials: ArrayLike, *, level: float = 0.95) -> Dose:
    """Return how extraction grows with duplication.

    Args:
        copies: How often each kind of picture was in the training set (C,), above 0.
        hits: Generated pictures that copy one of that kind (C,).
        trials: Generated pictures that could have (C,).
        level: Confidence level.
    """
    dose, hit, total = (np.asarray(column, float).ravel() for column in (copies, hits, trials))
    if not len(dose) == len(hit) == len(total) or (dose <= 0).any():
        raise InputError("copies (above 0), hits and trials must be equally many")
    order = np.argsort(dose, kind="stable")
    dose, hit, total = dose[order], hit[order], total[order]
    found = tuple(share(int(k), int(n), level=level) for k, n in zip(hit, total, strict=True))
    # The GLM takes a reference share and uses its log odds: 1 / (1 + 1/dose) has log odds log(dose).
    slope = logit_slope(hit, total, dose / (1 + dose), level=level).scaled(math.log(2))
    return Dose(tuple(dose.tolist()), found, _isotonic(hit, total), slope)


def _isotonic(hit: Floats, total: Floats) -> tuple[float | None, ...]:
    from scipy.optimize import isotonic_regression

    seen = total > 0
    fitted: list[float | None] = [None] * len(total)
    if seen.any():
        fit = isotonic_regression(hit[seen] / total[seen], weights=total[seen]).x
        for where, value in zip(np.flatnonzero(seen), fit, strict=True):
            fitted[where] = float(value)
    return tuple(fitted)


def adaptive_ratio(distances: ArrayLike, *, neighbours: int = 50, alpha: float = 0.5) -> Floats:
    """Return the adaptive extraction score of Carlini et al. (2023): at most 1 counts as extracted.

    The nearest training distance over ``alpha`` times the mean distance of the nearest neighbours, which spares
    pictures that lie close to everything (flat, blurred).

    Args:
        distances: From each generated to each training picture (m, n), n at least ``neighbours``.
        neighbours: How many neighbours set the scale.
        alpha: Share of that scale that counts as a copy.

    >>> adaptive_ratio([[0.1, 1.0, 1.3], [1.0, 1.0, 1.0]], neighbours=3).round(6).tolist()
    [0.25, 2.0]
    """
    found = np.asarray(distances, float)
    if found.ndim != 2 or found.shape[1] < neighbours or neighbours < 1:
        raise InputError(f"distances must be (generated, training) with at least {neighbours} training pictures")
    near = np.partition(found, neighbours - 1, axis=1)[:, :neighbours]
    scale = alpha * near.mean(1)
    return np.where(scale > 0, near.min(1) / np.where(scale > 0, scale, 1), 0.0)
