"""Pictures as vectors, for what is measured without a reader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["features"]

GRID = 16


def features(pictures: Sequence[NDArray[np.uint8]], encoder: str = "") -> NDArray[np.float64]:
    """Return one vector a picture.

    Every space has habits of its own: what is near in pixels may be far in meaning, and a dual encoder has learned
    from captions that say more of some places than of others.

    Args:
        pictures: uint8 (height, width, 3) each.
        encoder: A dual encoder (:mod:`limn.models.dual_encoders`); the colours of a coarse grid if empty.

    Returns:
        (pictures, width); about mean grey for the grid, of length 1 for an encoder.
    """
    if not pictures:
        return np.empty((0, 3 * GRID * GRID))
    if encoder:
        from limn.models.dual_encoders import load

        return np.asarray(load(encoder).images(pictures), np.float64)
    height, width = pictures[0].shape[:2]
    if height % GRID == width % GRID == 0 and all(each.shape == pictures[0].shape for each in pictures):
        cells = np.stack(pictures).reshape(len(pictures), GRID, height // GRID, GRID, width // GRID, 3)
        return np.asarray(cells.mean(axis=(2, 4)).reshape(len(pictures), -1) / 255 - 0.5)
    return np.stack([_coarse(each) for each in pictures]).reshape(len(pictures), -1)


def _coarse(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return means over a grid of cells, in -1/2 to 1/2."""
    rows, columns = (np.arange(GRID) * side // GRID for side in picture.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), rows, axis=0), columns, axis=1)
    sizes = np.outer(np.diff(rows, append=picture.shape[0]), np.diff(columns, append=picture.shape[1]))
    return np.asarray(sums / sizes[..., None] / 255 - 0.5)
