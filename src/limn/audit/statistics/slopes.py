"""Exaggeration against a reference: the slope of log odds.

A model that copies its reference has slope 1, one that amplifies has more, one that flattens less. The reference is
known exactly and the model's share is counted, so the share is regressed on the reference, with binomial errors.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import Estimate, check_level, normal_quantile, not_estimable
from limn.audit.statistics.resampling import Floats
from limn.kernel.errors import InputError

SCATTER = 0.2  # lenient, so that scatter is rarely overlooked; always widening would cover too often


def logit(share: ArrayLike) -> Floats:
    """Return ``log(p / (1 - p))``; a share of 0 or 1 is refused."""
    p = np.asarray(share, float)
    if not ((p > 0) & (p < 1)).all():
        raise InputError("a reference share must lie strictly between 0 and 1")
    return np.asarray(np.log(p) - np.log1p(-p))


def logit_slope(k: ArrayLike, n: ArrayLike, reference: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the slope of the model's log odds on the reference's, from a binomial GLM.

    Where concepts scatter more around the line than coin flips would (Pearson's chi-square, p < 0.2), the interval
    widens by that scatter and uses the t distribution (quasi-binomial).

    Args:
        k: Readable pictures with the attribute, of each concept (C,).
        n: Readable pictures of each concept (C,); concepts with none are left out.
        reference: Reference share of each concept (C,), in (0, 1).
        level: Confidence level.
    """
    hits, total, x = _concepts(k, n, reference)
    how = "binomial GLM of the log odds"
    why = _why(hits, total, x)
    if why:
        return not_estimable(why, n=int(total.sum()), level=check_level(level), how=how)
    fit = _fit(hits, total, x)
    if fit is None or fit[1] > 50:
        why = "the shares are all or nothing, so the slope has no finite value; draw more pictures"
        return not_estimable(why, n=int(total.sum()), level=level, how=how)
    slope, error, scatter = fit
    return _sloped(slope, error, scatter, len(x), int(total.sum()), level, how)


# Written out, since a package that has it takes seconds to load; statsmodels is what the tests compare with.
def _fit(hits: Floats, total: Floats, x: Floats) -> tuple[float, float, float] | None:
    """Return slope, its standard error and Pearson's scatter by Newton's method; None where it does not settle."""
    design, weights = np.column_stack([np.ones(len(x)), x]), np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        spread = total * p * (1 - p)
        information = design.T @ (spread[:, None] * design)
        if not np.linalg.det(information) > 1e-12:
            return None
        step = np.linalg.solve(information, design.T @ (hits - total * p))
        weights += step
        if abs(step).max() < 1e-10:
            scatter = float(((hits - total * p) ** 2 / spread).sum()) / (len(x) - 2)
            return float(weights[1]), math.sqrt(np.linalg.inv(information)[1, 1]), scatter
    return None


def _sloped(slope: float, error: float, scatter: float, concepts: int, n: int, level: float, how: str) -> Estimate:
    from scipy.special import chdtrc, stdtrit

    wide, free = normal_quantile(level), concepts - 2
    if scatter > 1 and chdtrc(free, scatter * free) < SCATTER:
        wide = float(stdtrit(free, (1 + level) / 2)) * math.sqrt(scatter)
        how += f", scatter {scatter:.2g}"
    return Estimate(slope, slope - wide * error, slope + wide * error, level, n, f"{how}, {concepts} concepts")


def _concepts(k: ArrayLike, n: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats, Floats]:
    hits, total, share = (np.asarray(column, float).ravel() for column in (k, n, reference))
    if not len(hits) == len(total) == len(share):
        raise InputError("k, n and reference must be equally many")
    if (hits < 0).any() or (hits > total).any():
        raise InputError("every k must lie between 0 and its n")
    keep = total > 0
    return hits[keep], total[keep], logit(share[keep])


def _why(hits: Floats, total: Floats, x: Floats) -> str:
    if not len(x):
        return "nothing readable"
    if len(np.unique(x)) < 2 or len(x) < 3:
        return "needs three concepts with different references"
    return "every share is the same end" if hits.sum() in (0, total.sum()) else ""
