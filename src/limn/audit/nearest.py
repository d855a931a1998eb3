"""The nearest of many pictures: exact search, in memory where they are few, in LanceDB where they are many."""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError

LARGE = 50_000
"""Pictures from which on they are searched on disk, where LanceDB is installed."""

CHUNK, BLOCK = 256, 4096  # queries and pictures that are compared at once

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The nearest pictures of each query, nearest first.

    Args:
        places: Which they are (queries, most).
        distances: How far they are, Euclidean (queries, most).
    """

    places: NDArray[np.int64]
    distances: NDArray[np.float64]


def nearest(
    queries: Floats, base: Floats, *, most: int = 1, engine: Literal["auto", "memory", "lancedb"] = "auto"
) -> Neighbours:
    """Find the nearest of a set for each query; nothing is approximated.

    Args:
        queries: (n, d).
        base: (m, d), with m at least ``most``.
        most: How many for each query.
        engine: ``memory``, ``lancedb`` (in a temporary folder), or ``auto`` as the set is small or large.

    Raises:
        InputError: If the shapes do not fit, or LanceDB is asked for and not installed.

    >>> nearest(np.eye(2, dtype="f"), np.eye(3, 2, dtype="f"), most=2).places[:, 0].tolist()
    [0, 1]
    """
    if queries.ndim != 2 or base.ndim != 2 or (len(queries) and queries.shape[1] != base.shape[1]):
        raise InputError(f"vectors of {queries.shape} and {base.shape} cannot be compared; use the same features")
    if not 1 <= most <= len(base):
        raise InputError(f"most: {most} neighbours among {len(base)} pictures; give 1 to {len(base)}")
    installed = importlib.util.find_spec("lancedb") is not None
    if engine == "lancedb" and not installed:
        raise InputError("lancedb: is not installed; install it with: pip install 'limn[audit]'")
    if engine == "auto":
        engine = "lancedb" if installed and len(base) >= LARGE else "memory"
    return (_in_lancedb if engine == "lancedb" else _in_memory)(queries, base, most)


def _in_memory(queries: Floats, base: Floats, most: int) -> Neighbours:
    """Compare in stretches, by the scalar product in float64: in float32 near ones would cancel."""
    places, far = np.empty((len(queries), most), np.int64), np.empty((len(queries), most))
    for start in range(0, len(queries), CHUNK):
        some = queries[start : start + CHUNK].astype(np.float64)
        blocks = (base[first : first + BLOCK].astype(np.float64) for first in range(0, len(base), BLOCK))
        gaps = np.concatenate([_gaps(some, block) for block in blocks], axis=1)
        chosen = np.sort(np.argpartition(gaps, most - 1, axis=1)[:, :most], axis=1)
        near = np.take_along_axis(gaps, chosen, 1)
        order = np.argsort(near, axis=1, kind="stable")  # equal ones keep their order
        places[start : start + CHUNK] = np.take_along_axis(chosen, order, 1)
        far[start : start + CHUNK] = np.sqrt(np.take_along_axis(near, order, 1))
    return Neighbours(places=places, distances=far)


def _gaps(some: NDArray[np.float64], block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances; what rounding leaves of equal vectors is 0."""
    total = (some * some).sum(1)[:, None] + (block * block).sum(1)
    gaps = total - 2 * some @ block.T
    return np.asarray(np.where(gaps > 1e-13 * total, gaps, 0.0))


def _in_lancedb(queries: Floats, base: Floats, most: int) -> Neighbours:
    """Search exhaustively on disk, in a temporary folder; distances of what was found are measured in float64."""
    import lancedb
    import pyarrow as pa

    places, far = np.empty((len(queries), most), np.int64), np.empty((len(queries), most))
    with tempfile.TemporaryDirectory() as folder:
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(base).ravel()), base.shape[1])
        rows = pa.table({"place": pa.array(np.arange(len(base))), "vector": vectors})
        table = lancedb.connect(folder).create_table("pictures", rows)
        for k, query in enumerate(queries):
            search: Any = table.search(query)  # without an index it compares with all, by Euclidean distance
            found = np.sort(search.limit(most).select(["place", "_distance"]).to_arrow()["place"].to_numpy())
            gaps = np.sqrt(((base[found].astype(np.float64) - query) ** 2).sum(1))
            order = np.argsort(gaps, kind="stable")
            places[k], far[k] = found[order], gaps[order]
    return Neighbours(places=places, distances=far)
