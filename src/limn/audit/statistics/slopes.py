"""Exaggeration against a reference: slopes and differences of log odds.

A model that copies its reference has slope 1, one that amplifies has more, one that flattens less. The reference is
known exactly and the model's share is counted, so the share is regressed on the reference, with binomial errors.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import Estimate, check_level, normal_quantile, not_estimable
from limn.audit.statistics.resampling import Floats
from limn.audit.statistics.shares import check_counts, share
from limn.kernel.errors import InputError

__all__ = ["exaggeration", "haldane_slope", "log_odds", "log_odds_against", "logit", "logit_slope"]


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
    import statsmodels.api as sm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation is judged below, by the size of the answer
        model = sm.GLM(np.column_stack([hits, total - hits]), sm.add_constant(x), family=sm.families.Binomial())
        fit = model.fit()
    slope, error = float(fit.params[1]), float(fit.bse[1])
    if not math.isfinite(error) or error > 50 or not fit.converged:
        why = "the shares are all or nothing, so the slope has no finite value; use haldane_slope"
        return not_estimable(why, n=int(total.sum()), level=level, how=how)
    scatter = float(fit.pearson_chi2) / (len(x) - 2)
    return _sloped(slope, error, scatter, len(x), int(total.sum()), level, how)


def haldane_slope(k: ArrayLike, n: ArrayLike, reference: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the same slope by weighted least squares of Haldane's log odds, which exist for shares of 0 and 1 too.

    Arguments as in ``logit_slope``. Adding half a picture to each side pulls extreme shares towards a half, so the
    slope is a little low where concepts have few pictures.
    """
    hits, total, x = _concepts(k, n, reference)
    how = "weighted least squares of Haldane log odds"
    why = _why(hits, total, x)
    if why:
        return not_estimable(why, n=int(total.sum()), level=check_level(level), how=how)
    y = np.log(hits + 0.5) - np.log(total - hits + 0.5)
    weight = 1 / (1 / (hits + 0.5) + 1 / (total - hits + 0.5))
    middle = np.average(x, weights=weight)
    spread = float((weight * (x - middle) ** 2).sum())
    slope = float((weight * (x - middle) * y).sum() / spread)
    left = y - np.average(y, weights=weight) - slope * (x - middle)
    scatter = float((weight * left**2).sum()) / (len(x) - 2)
    return _sloped(slope, spread**-0.5, scatter, len(x), int(total.sum()), level, how)


def _sloped(slope: float, error: float, scatter: float, concepts: int, n: int, level: float, how: str) -> Estimate:
    from scipy.special import chdtrc, stdtrit

    wide, free = normal_quantile(level), concepts - 2
    if scatter > 1 and chdtrc(free, scatter * free) < SCATTER:
        wide = float(stdtrit(free, (1 + level) / 2)) * math.sqrt(scatter)
        how += f", scatter {scatter:.2g}"
    return Estimate(slope, slope - wide * error, slope + wide * error, level, n, f"{how}, {concepts} concepts")


def _concepts(k: ArrayLike, n: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats, Floats]:
    hits, total, share = (np.asarray(each, float).ravel() for each in (k, n, reference))
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


def log_odds(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """Return the log odds of a share with Haldane's half counts, ``log((k + 1/2) / (n - k + 1/2))``."""
    check_counts(k, n)
    how = "Haldane log odds"
    if n == 0:
        return not_estimable("nothing readable", level=check_level(level), how=how)
    value = math.log((k + 0.5) / (n - k + 0.5))
    spread = normal_quantile(level) * math.sqrt(1 / (k + 0.5) + 1 / (n - k + 0.5))
    return Estimate(value, value - spread, value + spread, level, n, how)


def log_odds_against(k: int, n: int, reference: float, *, level: float = 0.95) -> Estimate:
    """Return the log odds of a share minus those of a reference share: 0 is faithful.

    >>> print(log_odds_against(99, 100, 0.575))
    3.892 [2.280, 5.505] (95 %, n = 100, Haldane log odds)
    """
    return log_odds(k, n, level=level).scaled(1, -float(logit(reference)))


def exaggeration(k: int, n: int, reference: float, base: float, *, level: float = 0.95) -> Estimate:
    """Return how far a share lies beyond its reference, on the side where the reference leaves the base share.

    ``sign(reference - base) (p - reference)`` (Bianchi et al. 2023): positive exaggerates a stereotype, negative
    weakens it.

    Args:
        k: Pictures with the attribute.
        n: Readable pictures.
        reference: The concept's share in the reference, in [0, 1].
        base: The share over all concepts, for example of the labour force.
        level: Confidence level.

    >>> print(exaggeration(2, 100, 0.194, 0.468))
    0.174 [0.124, 0.188] (95 %, n = 100, Wilson)
    """
    if reference == base:
        return not_estimable("the reference equals the base, so no side is stereotyped", n=n, level=level)
    side = math.copysign(1, reference - base)
    return share(k, n, level=level).scaled(side, -side * reference)
