"""Pictures as vectors, for what is measured without a reader: extractors by name.

Every space has habits of its own: what is near in pixels may be far in meaning, and a dual encoder has learned from
captions that say more of some places than of others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError

GRID, PIXELS = "grid", "pixels"
CELLS = 16

Floats = NDArray[np.floating[Any]]


class Extractor(Protocol):
    """Places pictures in a space; a dual encoder (:mod:`limn.models.dual_encoders`) also places texts."""

    name: str
    weights: str
    """SHA-256 of what it has learned; empty for nothing."""

    def images(self, pictures: Sequence[NDArray[np.uint8]]) -> Floats:
        """Return one vector a picture (pictures, width); pictures are uint8 (height, width, 3)."""


class Grid:
    """Mean colours of 16 x 16 cells, about mean grey, in -1/2 to 1/2; pictures of any sizes."""

    name, weights = GRID, ""

    def images(self, pictures: Sequence[NDArray[np.uint8]]) -> Floats:
        """Return the means of the cells (pictures, 768)."""
        if len({picture.shape for picture in pictures}) == 1:
            height, width = pictures[0].shape[:2]
            if height % CELLS == width % CELLS == 0:
                cells = np.stack(pictures).reshape(len(pictures), CELLS, height // CELLS, CELLS, width // CELLS, 3)
                return np.asarray(cells.mean(axis=(2, 4)).reshape(len(pictures), -1) / 255 - 0.5)
        return np.array([_means(picture).ravel() for picture in pictures]).reshape(len(pictures), 3 * CELLS**2)


class Pixels:
    """Pixels, whose distance is the root mean square of differences from 0 to 1 (Carlini et al. 2023)."""

    name, weights = PIXELS, ""

    def images(self, pictures: Sequence[NDArray[np.uint8]]) -> Floats:
        """Return the scaled pixels (pictures, 3 height width), float32; pictures must be of one size."""
        if not len(pictures):
            return np.zeros((0, 1), np.float32)
        sizes = {picture.shape for picture in pictures}
        if len(sizes) > 1:
            raise InputError(f"features: pixels of different sizes cannot be compared ({sizes}); give one size")
        flat = np.stack(pictures).reshape(len(pictures), -1).astype(np.float32)
        return np.asarray(flat / (255 * math.sqrt(flat.shape[1])), np.float32)


def extractor(name: str = GRID) -> Extractor:
    """Open an extractor.

    Args:
        name: ``grid`` (or nothing), ``pixels``, or what :func:`limn.models.dual_encoders.load` takes.
    """
    if name in ("", GRID):
        return Grid()
    if name == PIXELS:
        return Pixels()
    from limn.models.dual_encoders import load

    return load(name)


def features(pictures: Sequence[NDArray[np.uint8]], name: str = GRID) -> Floats:
    """Return one vector a picture from the extractor of a name."""
    return extractor(name).images(list(pictures))


def similarity(distances: NDArray[np.float64], name: str = PIXELS) -> NDArray[np.float64]:
    """Return 1 minus the distance, or the cosine for a dual encoder's unit vectors; 1 is the same."""
    return np.asarray(1 - distances if name in ("", GRID, PIXELS) else 1 - distances**2 / 2)


def _means(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return means over a grid of cells, in -1/2 to 1/2."""
    rows, columns = (np.arange(CELLS) * side // CELLS for side in picture.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), rows, axis=0), columns, axis=1)
    sizes = np.outer(np.diff(rows, append=picture.shape[0]), np.diff(columns, append=picture.shape[1]))
    return np.asarray(sums / sizes[..., None] / 255 - 0.5)
