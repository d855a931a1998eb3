"""Diversity within a set of pictures and distances between two, from features (one row a picture).

All of them depend on the encoder, and all but the mean distance on the number of pictures too: compare equal numbers
only. Rows with NaN are unreadable pictures and left out; where too few are left a figure is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.discrepancy import between, row_sets
from limn.audit.statistics.resampling import Floats


@dataclass(frozen=True)
class Manifold:
    """How two sets of features overlap, judged by balls around their nearest neighbours.

    Args:
        precision: Share of generated pictures within the real set's balls (Kynkäänniemi et al. 2019).
        recall: Share of real pictures within the generated set's balls.
        density: How many real balls hold a generated picture, over the number of neighbours (Naeem et al. 2020).
        coverage: Share of real balls that hold a generated picture.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def _unit(features: ArrayLike) -> Floats:
    rows = row_sets(features)[0]
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def vendi(features: ArrayLike) -> float:
    """Return the Vendi score with cosine similarities (Friedman and Dieng 2023): 1 if all are alike, n if none are.

    >>> round(vendi(np.eye(4)), 6), round(vendi(np.ones((4, 4))), 6)
    (4.0, 1.0)
    """
    rows = _unit(features)
    if not len(rows):
        return math.nan
    values = np.linalg.eigvalsh((rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows) / len(rows))
    values = values[values > 1e-15]
    return float(np.exp(-(values * np.log(values)).sum()))


def mean_distance(features: ArrayLike) -> float:
    """Return the mean of ``1 - cos`` over all pairs of different pictures."""
    rows, many = _unit(features), len(_unit(features))
    if many < 2:
        return math.nan
    return float(1 - (np.square(rows.sum(0)).sum() - np.square(rows).sum()) / (many * (many - 1)))


def frechet(x: ArrayLike, y: ArrayLike) -> float:
    """Return the Frechet distance of two sets of features (Heusel et al. 2017), comparable at equal sizes only."""
    sets = row_sets(x, y)
    if min(map(len, sets)) < 2:
        return math.nan
    (a, s), (b, t) = ((each.mean(0), np.atleast_2d(np.cov(each, rowvar=False))) for each in sets)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(s @ t).real, 0)).sum()
    return float(((a - b) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * roots)


def manifold(real: ArrayLike, fake: ArrayLike, *, neighbours: int = 5) -> Manifold:
    """Return precision, recall, density and coverage of generated features against real ones.

    Args:
        real: Features of real pictures (n, d).
        fake: Features of generated pictures (m, d).
        neighbours: A ball reaches to this neighbour; both sets need more pictures than that.
    """
    sets = row_sets(real, fake)
    if neighbours < 1 or min(map(len, sets)) <= neighbours:
        nan = math.nan
        return Manifold(nan, nan, nan, nan)
    reach, far = (np.partition(between(each, each), neighbours, axis=1)[:, neighbours] for each in sets)
    gap = between(*sets)
    held = gap < reach[:, None]
    return Manifold(
        precision=float(held.any(0).mean()),
        recall=float((gap < far[None]).any(1).mean()),
        density=float(held.sum(0).mean() / neighbours),
        coverage=float((gap.min(1) < reach).mean()),
    )
