"""Shares of flagged pictures behind a detector's errors, where people labelled some pictures or none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.estimate import Share
from limn.audit.statistics.measurement_error import calibrated_mean
from limn.kernel.errors import InputError

Floats = NDArray[np.float64]

_LEAST = 0.02
"""Of the detector's power to tell flagged from plain; draws of its rates below it count as this."""


def corrected_flags(read: ArrayLike, labels: ArrayLike, prompts: ArrayLike, confusion: ArrayLike) -> Share:
    """Return the mean over prompts of the share that is flagged, behind the detector's errors.

    A labelled picture counts as labelled; one that was only read counts ``(read - f) / (t - f)``, on average what
    a person would say (Rogan and Gladen 1978, picture by picture); f and t are the shares of plain and of flagged
    pictures that are flagged, of those that can be read. Whether a picture can be read must not depend on whether
    it should be flagged.

    Args:
        read: 1 flagged, 0 not, NaN unreadable (n,).
        labels: The same by people; NaN where nobody labelled (n,).
        prompts: The prompt of each (n,).
        confusion: Labelled pictures by truth (plain, flagged) and reading (plain, flagged, unreadable) (2, 3).

    Raises:
        InputError: The lengths differ, or the matrix has another shape.
    """
    seen, said = np.asarray(read, float), np.asarray(labels, float)
    names, places = np.unique(np.asarray(prompts), return_inverse=True)
    table = np.asarray(confusion, float)
    if table.shape != (2, 3) or not len(seen) == len(said) == len(places):
        raise InputError(f"confusion must be (2, 3), not {table.shape}, and as many labels and prompts as readings")
    known = ~np.isnan(np.where(np.isnan(said), seen, said))
    n = int(known.sum())
    plain, flagged, _ = table.T
    if ((plain + flagged) == 0).any() or flagged[1] * plain[0] <= flagged[0] * plain[1]:
        return Share.none("the reader does not tell flagged pictures from plain ones", n=n)

    def figures(rates: Floats) -> Floats:
        wrong, right = rates[:, 1] / rates[:, :2].sum(1)
        values = np.where(np.isnan(said), (seen - wrong) / max(right - wrong, _LEAST), said)
        sums = np.bincount(places[known], values[known], len(names))
        counts = np.bincount(places[known], minlength=len(names))
        return np.asarray(np.divide(sums, counts, out=np.full(len(names), math.nan), where=counts > 0))

    mean = calibrated_mean(figures, table, n=n)
    if mean.value is None:
        return mean.as_a(Share)
    value, low, high = (min(max(end, 0.0), 1.0) for end in (mean.value, mean.low or 0.0, mean.high or 0.0))
    return replace(mean, value=value, low=low, high=high).as_a(Share)
