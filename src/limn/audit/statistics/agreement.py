"""How far labellers agree beyond chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import Estimate, check_level, from_draws, not_estimable
from limn.audit.statistics.resampling import Floats


def krippendorff_alpha(counts: ArrayLike, *, level: float = 0.95, draws: int = 1000, seed: int = 0) -> Estimate:
    """Return Krippendorff's alpha of nominal labels (2011): 1 is full agreement, 0 what chance gives.

    ``alpha = 1 - (observed disagreement) / (expected disagreement)``; pictures with fewer than two labels are left
    out. The interval resamples pictures.

    Args:
        counts: How many labellers gave each picture each value (N, K).
        level: Confidence level.
        draws: Bootstrap draws.
        seed: Seed of these.

    >>> round(krippendorff_alpha([[2, 0], [2, 0], [1, 1], [0, 2]]).value, 3)
    0.533
    """
    table = np.asarray(counts, float)
    table = table[table.sum(1) > 1]
    n, how = len(table), f"Krippendorff's alpha, bootstrap of {len(table)} pictures"
    value = _alpha(table) if n else float("nan")
    if not np.isfinite(value):
        why = "all labels are the same" if n else "no picture has two labels"
        return not_estimable(why, n=n, level=check_level(level), how=how)
    rng = np.random.default_rng(seed)
    again = [_alpha(table[rng.integers(n, size=n)]) for _ in range(draws)]
    return from_draws(value, again, level=level, n=n, how=how)


def _alpha(table: Floats) -> float:
    labels = table.sum(1)
    total, values = labels.sum(), table.sum(0)
    observed = ((labels**2 - (table**2).sum(1)) / (labels - 1)).sum()
    expected = (total**2 - (values**2).sum()) / (total - 1)
    return float(1 - observed / expected) if expected > 0 else float("nan")
