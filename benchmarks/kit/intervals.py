"""Figures with 95 % intervals as data: shares, means and differences of pairs, by limn's own statistics."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.clustered import clustered_mean, paired_change
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.shares import wilson


def share(hits: int, total: int) -> dict[str, float]:
    """Return a share with its Wilson interval.

    >>> share(9, 10)
    {'share': 0.9, 'low': 0.596, 'high': 0.982, 'n': 10}
    """
    one = wilson(hits, total)
    value, low, high = (end or 0 for end in (one.value, one.low, one.high))
    return {"share": round(value, 4), "low": round(low, 3), "high": round(high, 3), "n": total}


def shares(**right: ArrayLike) -> dict[str, dict[str, float]]:
    """Return the share of each of several yes-no arrays, by name with underscores for spaces.

    >>> shares(both_found=[True, False])["both found"]["share"]
    0.5
    """
    return {
        name.replace("_", " "): share(int(np.sum(values)), np.size(values))  # type: ignore[arg-type]
        for name, values in right.items()
    }


def mean(values: ArrayLike) -> dict[str, float]:
    """Return a mean with its t interval.

    >>> mean([1.0, 2.0, 3.0])
    {'mean': 2.0, 'low': -0.4841, 'high': 4.4841}
    """
    each = np.asarray(values, float)
    return _as_mean(clustered_mean(each, np.arange(len(each))), float(each.mean()))


def mean_share(shares: ArrayLike) -> dict[str, float]:
    """Return the mean of shares with its t interval, which ends where shares do.

    >>> mean_share([1.0, 0.9, 0.8])
    {'mean': 0.9, 'low': 0.6516, 'high': 1.0}
    """
    figures = mean(shares)
    return {**figures, "low": max(0.0, figures["low"]), "high": min(1.0, figures["high"])}


def paired(after: ArrayLike, before: ArrayLike) -> dict[str, float]:
    """Return the mean difference of pairs with its t interval.

    >>> paired([1, 1, 0], [1, 1, 0])
    {'mean': 0.0, 'low': -0.6316, 'high': 0.6316}
    """
    one, other = np.asarray(after, float), np.asarray(before, float)
    return _as_mean(paired_change(one, other, np.arange(len(one))), float((one - other).mean()))


def as_data(one: Estimate) -> dict[str, Any]:
    """Return an estimate as data, rounded."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in one.json().items()}


def _as_mean(one: Estimate, value: float) -> dict[str, float]:
    low, high = (value if end is None else end for end in (one.low, one.high))
    return {"mean": round(value, 4), "low": round(low, 4), "high": round(high, 4)}
