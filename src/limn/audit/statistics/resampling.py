"""Pictures grouped by prompt, and bootstrap draws of whole prompts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.estimate import Estimate, check_level, from_draws, not_estimable
from limn.kernel.errors import InputError

__all__ = ["Floats", "bootstrap", "by_prompt", "resampled"]

Floats = NDArray[np.float64]


def by_prompt(values: ArrayLike, prompts: ArrayLike) -> dict[object, Floats]:
    """Return the readable values of each prompt, in order of first appearance; prompts without any are left out."""
    found, labels = np.asarray(values, float).ravel(), np.asarray(prompts).ravel()
    if len(found) != len(labels):
        raise InputError(f"values and prompts must be equally many, got {len(found)} and {len(labels)}")
    keep = ~np.isnan(found)
    found, labels = found[keep], labels[keep]
    names, first, where = np.unique(labels, return_index=True, return_inverse=True)
    parts = np.split(
        found[np.argsort(where, kind="stable")], np.cumsum(np.bincount(where, minlength=len(names)))[:-1]
    )
    return {names[i].item(): parts[i] for i in np.argsort(first)}


def resampled(
    prompts: ArrayLike, *, within: bool = False, draws: int = 2000, seed: int = 0
) -> Iterator[NDArray[np.int64]]:
    """Yield bootstrap draws as indices of pictures: whole prompts with replacement.

    Args:
        prompts: The prompt of each picture (n,).
        within: Draw the pictures of a chosen prompt with replacement too. This counts the noise of the pictures
            twice, so it is cautious where that noise is most of the spread.
        draws: How many.
        seed: Seed.
    """
    labels = np.asarray(prompts).ravel()
    rng = np.random.default_rng(seed)
    parts = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    for _ in range(draws):
        chosen = [parts[i] for i in rng.integers(len(parts), size=len(parts))]
        yield np.concatenate([rng.choice(part, len(part)) for part in chosen] if within else chosen)


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    prompts: ArrayLike,
    *,
    within: bool = False,
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
    found = [statistic(rows) for rows in resampled(labels, within=within, draws=draws, seed=seed)]
    return from_draws(value, found, level=level, n=len(labels), how=f"bootstrap of {many} prompts")
