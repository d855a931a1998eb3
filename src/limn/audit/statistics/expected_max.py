"""Expected maximum: the worst of k prompts, in closed form from the prompts' shares.

The figure saturates as k grows (0.78 at 5, 0.97 at 25 for one well-known model), so it is shown as a curve over k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import Estimate, check_level, normal_quantile, not_estimable, readable
from limn.audit.statistics.resampling import Floats, by_prompt
from limn.kernel.errors import InputError

PART = 5  # an interval needs so many times as many prompts as are drawn


def maximum(values: ArrayLike, k: int) -> tuple[float, float]:
    """Return exact mean and standard deviation of the largest of k values drawn without replacement.

    The i-th smallest of N is the largest with probability ``C(i - 1, k - 1) / C(N, k)``, so nothing needs to be
    simulated. The standard deviation is that of one maximum, not an error of the mean.

    Args:
        values: One figure a prompt (N,).
        k: How many prompts are drawn, 1 to N.

    >>> mean, spread = maximum([0.0] * 90 + [1.0] * 10, 5)
    >>> round(mean, 4)
    0.4162
    """
    shares = np.sort(readable(values))
    if not 1 <= k <= len(shares):
        raise InputError(f"k must lie between 1 and the number of prompts, {len(shares)}; got {k}")
    chance = _weights(len(shares), k)
    mean = float(chance @ shares)
    return mean, math.sqrt(max(0.0, float(chance @ (shares - mean) ** 2)))


def _weights(n: int, k: int) -> Floats:
    """Return the chance of each rank to be the largest of k; ratios of neighbours keep large numbers away."""
    ranks = np.arange(n, 0, -1)
    steps = np.divide(ranks - k, ranks - 1, out=np.zeros(n), where=ranks > 1)
    return np.asarray((k / n * np.cumprod(np.concatenate([[1.0], steps[:-1]])))[::-1])


def expected_maximum(values: ArrayLike, prompts: ArrayLike, k: int, *, level: float = 0.95) -> Estimate:
    """Return the expected largest share among k prompts, with an interval over prompts.

    Args:
        values: One figure a picture, from 0 to 1 (n,); NaN where unreadable.
        prompts: The prompt of each picture (n,).
        k: How many prompts are drawn.
        level: Confidence level.
    """
    return maximum_curve(values, prompts, [k], level=level)[0]


def maximum_curve(
    values: ArrayLike, prompts: ArrayLike, ks: Sequence[int], *, level: float = 0.95
) -> tuple[Estimate, ...]:
    """Return the expected maximum at every k; a k above the number of prompts is not estimable.

    Arguments as in ``expected_maximum``. The interval is the jackknife's (Efron and Stein 1981) on the scale of log
    odds: the mean over all draws of k is a U-statistic, which percentiles of a bootstrap do not centre on. It leans
    on the few worst prompts: there is none where k is above a fifth of their number, where it would not hold.
    """
    shares = np.sort([group.mean() for group in by_prompt(values, prompts).values()])
    if any(k < 1 for k in ks):
        raise InputError(f"every k must be at least 1, got {min(ks)}")
    return tuple(_point(shares, k, len(readable(values)), level) for k in ks)


def _point(shares: Floats, k: int, n: int, level: float) -> Estimate:
    many = len(shares)
    if many < 2 or k > many:
        why = "nothing readable" if not many else f"{many} prompts, fewer than {max(k, 2)}"
        return not_estimable(why, n=n, level=check_level(level))
    if np.ptp(shares) == 0:
        return not_estimable(f"all {many} prompts give {shares[0]:.4g}: no spread", n=n, level=check_level(level))
    value, how = float(_weights(many, k) @ shares), f"exact over {many} prompts, jackknife of prompts"
    if PART * k > many:
        return Estimate(value, None, None, level, n, f"exact over {many} prompts, too few for an interval at {k}")
    spread = normal_quantile(level) * _jackknife(shares, k)
    if not 0 < value < 1:
        return Estimate(value, value - spread, value + spread, level, n, how)
    odds, width = math.log(value / (1 - value)), spread / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-min(max(odds + side * width, -500.0), 500.0))) for side in (-1, 1))
    return Estimate(value, low, high, level, n, how)


def _jackknife(shares: Floats, k: int) -> float:
    """Return the standard error of the expected maximum: every prompt is left out once."""
    many = len(shares)
    weights = _weights(many - 1, k)
    below = np.concatenate([[0.0], np.cumsum(weights * shares[:-1])])  # the ranks before the one left out
    above = np.concatenate([np.cumsum((weights * shares[1:])[::-1])[::-1], [0.0]])
    return math.sqrt((many - 1) * float((below + above).var()))
