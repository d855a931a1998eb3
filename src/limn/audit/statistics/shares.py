"""Shares of pictures, their differences and ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence

from limn.audit.statistics.estimate import Estimate, check_level, normal_quantile, not_estimable
from limn.kernel.errors import InputError

__all__ = ["check_counts", "clopper_pearson", "newcombe", "persistence", "ratio", "share", "shares", "wilson"]

NOTHING = "nothing readable"


def check_counts(k: float, n: float) -> None:
    """Raise InputError unless 0 <= k <= n."""
    if not 0 <= k <= n:
        raise InputError(f"k must lie between 0 and n, got k = {k}, n = {n}; count readable pictures only")


def share(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """Return a share: Wilson's interval, and the one-sided Clopper-Pearson bound where k is 0 or n.

    >>> print(share(69, 100))
    0.690 [0.594, 0.772] (95 %, n = 100, Wilson)
    >>> print(share(0, 100))
    0.000 [0.000, 0.030] (95 %, n = 100, one-sided Clopper-Pearson)
    """
    return clopper_pearson(k, n, level=level) if k in (0, n) else wilson(k, n, level=level)


def wilson(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """Return a share with the score interval (Wilson 1927).

    Args:
        k: Pictures with the attribute.
        n: Readable pictures.
        level: Confidence level.
    """
    check_counts(k, n)
    if n == 0:
        return not_estimable(NOTHING, level=level, how="Wilson")
    low, high = _wilson(k / n, n, normal_quantile(level))
    return Estimate(k / n, low, high, level, n, "Wilson")


def _wilson(p: float, n: float, z: float) -> tuple[float, float]:
    """Return the score interval; the ends are exact where p is 0 or 1."""
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    spread = z / scale * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (0.0 if p == 0 else max(0.0, centre - spread)), (1.0 if p == 1 else min(1.0, centre + spread))


def clopper_pearson(k: int, n: int, *, level: float = 0.95) -> Estimate:
    """Return a share with the exact interval (Clopper and Pearson 1934), one-sided where k is 0 or n.

    The one-sided bound at k = 0 is ``1 - (1 - level) ** (1 / n)``, about 3 / n at 95 % (the rule of three).
    """
    check_counts(k, n)
    if n == 0:
        return not_estimable(NOTHING, level=level, how="Clopper-Pearson")
    if k in (0, n):
        end = (1 - check_level(level)) ** (1 / n)
        low, high = (0.0, 1 - end) if k == 0 else (end, 1.0)
        return Estimate(k / n, low, high, level, n, "one-sided Clopper-Pearson")
    from scipy.special import betaincinv

    tail = (1 - check_level(level)) / 2
    low, high = float(betaincinv(k, n - k + 1, tail)), float(betaincinv(k + 1, n - k, 1 - tail))
    return Estimate(k / n, low, high, level, n, "Clopper-Pearson")


def shares(counts: Sequence[int], *, together: bool = False, level: float = 0.95) -> tuple[Estimate, ...]:
    """Return the share of every category.

    Args:
        counts: Readable pictures of each category.
        together: All intervals hold at once (Bonferroni) instead of each on its own.
        level: Confidence level.
    """
    n = int(sum(counts))
    each = 1 - (1 - check_level(level)) / len(counts) if together and counts else level
    found = [share(int(k), n, level=each) for k in counts]
    how = ", all at once" if together else ""
    return tuple(Estimate(one.value, one.low, one.high, level, n, one.how + how, one.why) for one in found)


def newcombe(k1: int, n1: int, k2: int, n2: int, *, level: float = 0.95) -> Estimate:
    """Return the difference of two independent shares, first minus second (Newcombe 1998, method 10).

    >>> print(newcombe(56, 70, 48, 80))
    0.200 [0.052, 0.334] (95 %, n = 150, Newcombe)
    """
    first, second = wilson(k1, n1, level=level), wilson(k2, n2, level=level)
    p1, l1, u1, p2, l2, u2 = *_ends(first), *_ends(second)
    if math.isnan(p1 + p2):
        return not_estimable(NOTHING + " in one group", n=n1 + n2, level=level, how="Newcombe")
    low = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    high = p1 - p2 + math.hypot(u1 - p1, p2 - l2)
    return Estimate(p1 - p2, low, high, level, n1 + n2, "Newcombe")


def _ends(one: Estimate) -> tuple[float, float, float]:
    nan = math.nan
    return (
        nan if one.value is None else one.value,
        nan if one.low is None else one.low,
        nan if one.high is None else one.high,
    )


def ratio(k1: int, n1: int, k2: int, n2: int, *, level: float = 0.95) -> Estimate:
    """Return the ratio of two independent shares, first over second.

    The interval joins the two Wilson intervals as Newcombe's does for a difference (MOVER-R, Donner and Zou 2012).
    """
    how = "ratio of Wilson limits (MOVER-R)"
    first, second = wilson(k1, n1, level=level), wilson(k2, n2, level=level)
    p1, l1, u1, p2, l2, u2 = *_ends(first), *_ends(second)
    if math.isnan(p1 + p2):
        return not_estimable(NOTHING + " in one group", n=n1 + n2, level=level, how=how)
    if k2 == 0:
        return not_estimable("the second share is 0", n=n1 + n2, level=level, how=how)
    middle = p1 * p2
    least = l1 * (2 * p1 - l1)
    low = least / (middle + math.sqrt(max(0.0, middle**2 - least * u2 * (2 * p2 - u2)))) if k1 else 0.0
    most, under = u1 * (2 * p1 - u1), l2 * (2 * p2 - l2)
    high = (middle + math.sqrt(max(0.0, middle**2 - most * under))) / under
    return Estimate(p1 / p2, low, high, level, n1 + n2, how)


def persistence(k_counter: int, n_counter: int, k_plain: int, n_plain: int, *, level: float = 0.95) -> Estimate:
    """Return how much of a stereotype a counter-prompt leaves: share with it over share without it.

    1 means that the counter-prompt changes nothing, 0 that the stereotype is gone (Bianchi et al. 2023).

    >>> print(persistence(54, 100, 90, 100))
    0.600 [0.489, 0.721] (95 %, n = 200, ratio of Wilson limits (MOVER-R))
    """
    return ratio(k_counter, n_counter, k_plain, n_plain, level=level)
