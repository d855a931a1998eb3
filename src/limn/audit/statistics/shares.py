"""Shares of pictures, their differences and ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from limn.audit.statistics.estimate import Difference, Ratio, Share, check_level, normal_quantile
from limn.kernel.errors import InputError

NOTHING = "nothing readable"


def check_counts(k: float, n: float) -> None:
    """Raise InputError unless 0 <= k <= n."""
    if not 0 <= k <= n:
        raise InputError(f"k must lie between 0 and n, got k = {k}, n = {n}; count readable pictures only")


def share(k: int, n: int, *, level: float = 0.95) -> Share:
    """Return a share: Wilson's interval, and the one-sided Clopper-Pearson bound where k is 0 or n.

    >>> print(share(69, 100))
    0.690 [0.594, 0.772] (95 %, n = 100, Wilson)
    >>> print(share(0, 100))
    0.000 [0.000, 0.030] (95 %, n = 100, one-sided Clopper-Pearson)
    """
    return clopper_pearson(k, n, level=level) if k in (0, n) else wilson(k, n, level=level)


def wilson(k: int, n: int, *, level: float = 0.95) -> Share:
    """Return a share with the score interval (Wilson 1927).

    Args:
        k: Pictures with the attribute.
        n: Readable pictures.
        level: Confidence level.
    """
    check_counts(k, n)
    if n == 0:
        return Share.none(NOTHING, level=level, how="Wilson")
    low, high = wilson_ends(k / n, n, normal_quantile(level))
    return Share(k / n, low, high, level, n, "Wilson")


def wilson_ends(p: float, n: float, z: float) -> tuple[float, float]:
    """Return the score interval of a share of n pictures, any number, by a quantile; exact where p is 0 or 1."""
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    spread = z / scale * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (0.0 if p == 0 else max(0.0, centre - spread)), (1.0 if p == 1 else min(1.0, centre + spread))


def clopper_pearson(k: int, n: int, *, level: float = 0.95) -> Share:
    """Return a share with the exact interval (Clopper and Pearson 1934), one-sided where k is 0 or n.

    The one-sided bound at k = 0 is ``1 - (1 - level) ** (1 / n)``, about 3 / n at 95 % (the rule of three).
    """
    check_counts(k, n)
    if n == 0:
        return Share.none(NOTHING, level=level, how="Clopper-Pearson")
    if k in (0, n):
        end = (1 - check_level(level)) ** (1 / n)
        low, high = (0.0, 1 - end) if k == 0 else (end, 1.0)
        return Share(k / n, low, high, level, n, "one-sided Clopper-Pearson")
    from scipy.stats import binomtest

    low, high = binomtest(k, n).proportion_ci(check_level(level))
    return Share(k / n, float(low), float(high), level, n, "Clopper-Pearson")


def shares(counts: Sequence[int], *, together: bool = False, level: float = 0.95) -> tuple[Share, ...]:
    """Return the share of every category.

    Args:
        counts: Readable pictures of each category.
        together: All intervals hold at once (Bonferroni) instead of each on its own.
        level: Confidence level.
    """
    n = int(sum(counts))
    if not together:
        return tuple(share(int(k), n, level=level) for k in counts)
    alone = [share(int(k), n, level=1 - (1 - check_level(level)) / len(counts)) for k in counts]
    return tuple(replace(one, level=level, how=f"{one.how}, all at once") for one in alone)


def newcombe(k1: int, n1: int, k2: int, n2: int, *, level: float = 0.95) -> Difference:
    """Return the difference of two independent shares, first minus second (Newcombe 1998, method 10).

    >>> print(newcombe(56, 70, 48, 80))
    0.200 [0.052, 0.334] (95 %, n = 150, Newcombe)
    """
    check_counts(k1, n1)
    check_counts(k2, n2)
    if 0 in (n1, n2):
        return Difference.none(NOTHING + " in one group", n=n1 + n2, level=level, how="Newcombe")
    p1, p2, z = k1 / n1, k2 / n2, normal_quantile(level)
    (l1, u1), (l2, u2) = wilson_ends(p1, n1, z), wilson_ends(p2, n2, z)
    low, high = p1 - p2 - math.hypot(p1 - l1, u2 - p2), p1 - p2 + math.hypot(u1 - p1, p2 - l2)
    return Difference(p1 - p2, low, high, level, n1 + n2, "Newcombe")


def ratio(k1: int, n1: int, k2: int, n2: int, *, level: float = 0.95) -> Ratio:
    """Return the ratio of two independent shares, first over second.

    The interval joins the two Wilson intervals as Newcombe's does for a difference (MOVER-R, Donner and Zou 2012).
    """
    check_counts(k1, n1)
    check_counts(k2, n2)
    how = "ratio of Wilson limits (MOVER-R)"
    if 0 in (n1, n2, k2):
        why = "the second share is 0" if n1 and n2 else NOTHING + " in one group"
        return Ratio.none(why, n=n1 + n2, level=level, how=how)
    p1, p2, z = k1 / n1, k2 / n2, normal_quantile(level)
    (l1, u1), (l2, u2) = wilson_ends(p1, n1, z), wilson_ends(p2, n2, z)
    middle = p1 * p2
    least = l1 * (2 * p1 - l1)
    low = least / (middle + math.sqrt(max(0.0, middle**2 - least * u2 * (2 * p2 - u2)))) if k1 else 0.0
    most, under = u1 * (2 * p1 - u1), l2 * (2 * p2 - l2)
    high = (middle + math.sqrt(max(0.0, middle**2 - most * under))) / under
    return Ratio(p1 / p2, low, high, level, n1 + n2, how)


def persistence(k_counter: int, n_counter: int, k_plain: int, n_plain: int, *, level: float = 0.95) -> Ratio:
    """Return how much of a stereotype a counter-prompt leaves: share with it over share without it.

    1 means that the counter-prompt changes nothing, 0 that the stereotype is gone (Bianchi et al. 2023).

    >>> print(persistence(54, 100, 90, 100))
    0.600 [0.489, 0.721] (95 %, n = 200, ratio of Wilson limits (MOVER-R))
    """
    return ratio(k_counter, n_counter, k_plain, n_plain, level=level)
