"""Sample sheets: pictures side by side, and how near they come to what they should be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def pixels(states: Tensor) -> NDArray[np.uint8]:
    """Turn states (n, 3, height, width) in [-1, 1] into pictures (n, height, width, 3)."""
    bytes_ = states.float().clamp(-1, 1).add(1).mul(127.5).round().byte()
    return np.ascontiguousarray(bytes_.permute(0, 2, 3, 1).cpu().numpy())


def grid(pictures: NDArray[np.uint8], columns: int = 8) -> NDArray[np.uint8]:
    """Lay pictures of one size side by side, eight a row."""
    short = -len(pictures) % columns
    full = np.concatenate([pictures, np.full((short, *pictures.shape[1:]), 255, np.uint8)])
    rows = full.reshape(-1, columns, *pictures.shape[1:])
    return np.ascontiguousarray(rows.swapaxes(1, 2).reshape(-1, columns * pictures.shape[2], 3))


def beside(*versions: NDArray[np.uint8], columns: int = 8) -> NDArray[np.uint8]:
    """Lay versions of the same pictures (n, height, width, 3) below each other, row by row."""
    rows = [version[k : k + columns] for k in range(0, len(versions[0]), columns) for version in versions]
    return np.concatenate([grid(row, columns) for row in rows])


def psnr(pictures: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the peak signal-to-noise ratio of each picture in dB.

    Args:
        pictures: (n, height, width, 3).
        true: What they should be, of the same shape.

    Returns:
        (n,); at most 99, for pictures that are the same.

    >>> psnr(np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 255, np.uint8)).tolist()
    [0.0]
    """
    error = np.stack([np.square(a.astype(np.float64) - b).mean() for a, b in zip(pictures, true, strict=True)])
    with np.errstate(divide="ignore"):
        ratio: NDArray[np.float64] = np.minimum(99.0, 10 * np.log10(255.0**2 / error))
    return ratio
