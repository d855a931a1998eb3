"""Colour names measured from pixels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# Several prototypes share a name where one would bend the border between two names.
_PROTOTYPES: Final = (
    ("black", "000000"), ("black", "1c1c22"), ("black", "31373d"), ("black", "404044"), ("black", "352e40"),
    ("dark grey", "5c5f63"), ("dark grey", "544c60"), ("grey", "858585"), ("light grey", "bfc2c6"),
    ("light grey", "ccd6dd"), ("white", "e4e6ea"), ("white", "ebe3f3"), ("white", "f5f1fa"), ("white", "ffffff"),
    ("red", "f01c1c"), ("red", "dd2e44"), ("red", "f8312f"), ("red", "e4485c"),
    ("dark red", "8a1420"), ("dark red", "a61b2b"),
    ("pink", "f48bb0"), ("pink", "f25aa0"), ("light pink", "fbc8d8"),
    ("orange", "ff8a1f"), ("orange", "f4900c"), ("orange", "ff6a22"), ("dark orange", "d9560b"),
    ("brown", "8b5a34"), ("brown", "a0673d"), ("dark brown", "4e2f1e"), ("dark brown", "662113"),
    ("light brown", "c69163"), ("beige", "ecd3ae"), ("beige", "f3d2a2"),
    ("yellow", "ffd21f"), ("yellow", "fcea2b"), ("yellow", "ffb02e"), ("yellow", "ffcc4d"),
    ("light yellow", "fff2a8"), ("dark yellow", "c39a16"),
    ("green", "2fa84a"), ("green", "77b255"), ("green", "00d26a"), ("dark green", "14602e"),
    ("light green", "b8e28c"), ("teal", "1b9c93"), ("teal", "0f6e70"),
    ("light blue", "9dd7f8"), ("light blue", "bbddf5"), ("blue", "2a86e0"), ("blue", "3b88c3"), ("blue", "00a6ed"),
    ("blue", "2a52c8"), ("dark blue", "1b2f6e"), ("dark blue", "26408b"),
    ("purple", "8a3fc4"), ("purple", "aa8ed6"), ("dark purple", "4c2170"), ("light purple", "cdb4ee"),
)  # fmt: skip

NAMES: Final = tuple(dict.fromkeys(name for name, _ in _PROTOTYPES))


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert sRGB to OKLab, in which distances follow what the eye sees.

    Source: Ottosson, "A perceptual color space for image processing" (2020).

    Args:
        rgb: ``(..., 3)`` sRGB, uint8.

    Returns:
        ``(..., 3)`` lightness in [0, 1], green-red and blue-yellow.
    """
    value = rgb.astype(np.float32) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)
    lms = np.cbrt(linear @ _TO_LMS.T)
    return np.asarray(lms @ _TO_LAB.T, np.float32)


def from_oklab(colour: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Convert OKLab to sRGB, the inverse of :func:`oklab`; what sRGB cannot show is clipped.

    Args:
        colour: ``(..., 3)`` lightness, green-red and blue-yellow.

    Returns:
        ``(..., 3)`` sRGB.
    """
    lms = colour @ np.linalg.inv(_TO_LAB).T
    linear = np.clip(lms**3 @ np.linalg.inv(_TO_LMS).T, 0, 1)
    value = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * value), np.uint8)


_TO_LMS: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


@lru_cache(maxsize=1)
def _table() -> NDArray[np.uint8]:
    """Name index of every sRGB colour on a grid of 32 levels a channel."""
    levels = (np.arange(32) * 8 + 4).astype(np.uint8)
    grid = oklab(np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3))
    prototypes = oklab(np.array([list(bytes.fromhex(code)) for _, code in _PROTOTYPES], np.uint8))
    weights = np.array([0.7, 1, 1], np.float32)  # hue names a colour more than lightness does
    distance = (((grid[:, None] - prototypes[None]) * weights) ** 2).sum(-1)
    index = np.array([NAMES.index(name) for name, _ in _PROTOTYPES], np.uint8)
    return np.asarray(index[distance.argmin(1)].reshape(32, 32, 32))


def colours_of(picture: NDArray[np.uint8], *, least: float = 0.12, most: int = 3) -> tuple[str, ...]:
    """Name the main colours of what a picture shows, the largest area first.

    Shades of one hue count as one colour and take the name of the commonest shade.

    Args:
        picture: ``(height, width, 4)`` RGBA; transparent pixels do not count.
        least: The smallest share of the visible area that is named.
        most: How many names at most.

    Returns:
        One to ``most`` of :data:`NAMES`; empty when nothing is visible.
    """
    visible = picture[picture[..., 3] > 127][:, :3] >> 3
    if not len(visible):
        return ()
    counts = np.bincount(_table()[visible[:, 0], visible[:, 1], visible[:, 2]], minlength=len(NAMES))
    hues: dict[str, list[int]] = {}
    for index in np.argsort(-counts, kind="stable"):
        if counts[index]:
            hues.setdefault(NAMES[index].split()[-1], []).append(int(index))
    areas = sorted((-int(counts[group].sum()), group[0]) for group in hues.values())
    large = [NAMES[first] for area, first in areas if -area >= least * len(visible)]
    return tuple(large[:most]) or (NAMES[areas[0][1]],)
