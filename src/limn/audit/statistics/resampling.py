"""Pictures grouped by prompt, and the bootstrap of whole prompts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.estimate import Estimate, check_level, from_draws, not_estimable
from limn.kernel.errors import InputError

Floats = NDArray[np.float64]


def by_prompt(values: ArrayLike, prompts: ArrayLike) -> dict[object, Floats]:
    """Return the readable values of each prompt, in order of first appearance; prompts without any are left out."""
    flat, labels = np.asarray(values, float).ravel(), np.asarray(prompts).ravel()
    if len(flat) != len(labels):
        raise InputError(f"values and prompts must be equally many, got {len(flat)} and {len(labels)}")
    keep = ~np.isnan(flat)
    flat, labels = flat[keep], labels[keep]
    names, first, where = np.unique(labels, return_index=True, return_inverse=True)
    ends = np.cumsum(np.bincount(where, minlength=len(names)))[:-1]
    parts = np.split(flat[np.argsort(where, kind="stable")], ends)
    return {names[i].item(): parts[i] for i in np.argsort(first)}


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    prompts: ArrayLike,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return any statistic of picture indices with an interval over prompts; NaN draws are left out.

    >>> seen = np.tile([1.0, 0.0, 1.0, 1.0], 10)
    >>> bootstrap(lambda rows: seen[rows].mean(), np.repeat(np.arange(10), 4), draws=50).value
    0.75
    """
    labels = np.asarray(prompts).ravel()
    many = len(np.unique(labels))
    if many < 2:
        return not_estimable("needs two prompts", n=len(labels), level=check_level(level))
    value = float(statistic(np.arange(len(labels))))
    if math.isnan(value):
        return not_estimable("the statistic is undefined on these pictures", n=len(labels), level=level)
    rng, parts = np.random.default_rng(seed), [np.flatnonzero(labels == name) for name in np.unique(labels)]
    again = [statistic(np.concatenate([parts[i] for i in rng.integers(many, size=many)])) for _ in range(draws)]
    return from_draws(value, again, level=level, n=len(labels), how=f"bootstrap of {many} prompts")
