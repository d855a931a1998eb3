"""What the shapes world is made of: its words, and one 16 px tile for everything that can stand in a cell.

A picture is 32 px square. Four corner cells of 16 px cover it, and a fifth cell of 16 px lies in the
centre. So every picture is a few tiles, drawing is a table look-up, and a reader can compare with all tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

PICTURE = 32
"""Side of a picture, pixels."""

CELL = 16
"""Side of a cell, pixels."""

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.88, 0.12, 0.14),
    "orange": (1.00, 0.52, 0.05),
    "yellow": (0.99, 0.88, 0.12),
    "green": (0.13, 0.66, 0.25),
    "cyan": (0.10, 0.80, 0.90),
    "blue": (0.13, 0.33, 0.95),
    "purple": (0.62, 0.22, 0.86),
    "pink": (1.00, 0.44, 0.76),
}
"""Object colours by name, RGB from 0 to 1."""

BACKGROUNDS: dict[str, tuple[float, float, float]] = {
    "white": (0.98, 0.98, 0.98),
    "beige": (0.86, 0.77, 0.62),
    "grey": (0.50, 0.50, 0.52),
    "navy": (0.10, 0.12, 0.40),
    "black": (0.04, 0.04, 0.04),
}
"""Background colours by name, RGB from 0 to 1."""

SHAPES = ("circle", "square", "triangle", "diamond", "cross", "star", "ring", "heart")
SIZES = {"small": 4.5, "large": 7.0}
"""Half the extent of an object, pixels."""

TEXTURES = ("solid", "striped", "dotted")
VARIANTS = (("small", "solid"), ("large", "solid"), ("large", "striped"), ("large", "dotted"))
"""Size and texture together: a small object has too few pixels to carry a texture."""

CORNERS = {"top left": (0, 0), "top right": (0, 16), "bottom left": (16, 0), "bottom right": (16, 16)}
"""Row and column of each corner cell's first pixel."""

PLACES = {**CORNERS, "centre": (8, 8)}
"""All cells; the centre overlaps the corners, so an object in the centre stands alone."""

SHADE = 0.6
"""Stripes and dots have the object's own colour times this."""

EMPTY = len(COLOURS) * len(SHAPES) * len(VARIANTS)
"""Number of the tile with nothing on it; the tiles with an object come before."""

_SUB = 8  # sub-pixels along each side of a pixel, for anti-aliasing

Grid = NDArray[np.float64]
Inside = NDArray[np.bool_]


def _cross(x: Grid, y: Grid) -> Inside:
    """Two bars, thin enough to differ from the diamond at 9 px."""
    x, y = np.abs(x), np.abs(y)
    return np.asarray((np.minimum(x, y) <= 0.29) & (np.maximum(x, y) <= 1))


def _heart(x: Grid, y: Grid) -> Inside:
    """Two discs on a wedge; x and y run from -1 to 1, y downwards."""
    lobes = (np.abs(x) - 0.48) ** 2 + (y + 0.38) ** 2 <= 0.52**2
    wedge = (np.abs(x) * 1.04 + (y - 0.98) * 0.95 <= 0) & (y >= -0.2)
    return np.asarray(lobes | wedge)


def _star(x: Grid, y: Grid) -> Inside:
    """Five points; the inner radius is half the outer one, fatter than the pentagram, to be read at 8 px."""
    angle = np.arctan2(x, -y - 0.05)
    turn = np.abs((angle + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)  # 0 on a point, pi/5 in a notch
    radius = 1.08 * np.hypot(x, y + 0.05) / 1.16
    inner, notch = 0.46, np.pi / 5
    # The edge from the point (1, 0) to the notch (inner, pi/5), in polar form.
    across, along = inner * np.sin(notch), 1 - inner * np.cos(notch)
    edge = across / (np.sin(turn) * along + across * np.cos(turn))
    return np.asarray(radius <= edge)


_OUTLINES: dict[str, Callable[[Grid, Grid], Inside]] = {
    "circle": lambda x, y: np.hypot(x, y) <= 1,
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) <= 0.9,
    "triangle": lambda x, y: (y <= 0.85) & (np.abs(x) * 1.85 <= y + 1),
    "diamond": lambda x, y: np.abs(x) + np.abs(y) <= 1,
    "cross": _cross,
    "star": _star,
    "ring": lambda x, y: (np.hypot(x, y) <= 1) & (np.hypot(x, y) >= 0.52),
    "heart": _heart,
}


def _shaded(texture: str, x: Grid, y: Grid) -> Inside:
    """Say where the darker shade lies; x and y in pixels from the centre."""
    if texture == "striped":
        return np.asarray(np.abs((y + x - 1) % 5 - 2.5) < 1.0)
    if texture == "dotted":
        return np.asarray(np.hypot((x + 2) % 4 - 2, (y + 2) % 4 - 2) < 1.35)
    return np.zeros(x.shape, bool)


def coverage(shape: str, size: str, texture: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw one object as two masks.

    Args:
        shape: One of SHAPES.
        size: One of SIZES.
        texture: One of TEXTURES.

    Returns:
        How much of each pixel the object covers, and how much lies in the darker shade; (CELL, CELL), 0 to 1.
    """
    axis = (np.arange(CELL * _SUB) + 0.5) / _SUB - CELL / 2
    y, x = np.meshgrid(axis, axis, indexing="ij")
    inside = _OUTLINES[shape](x / SIZES[size], y / SIZES[size])
    dark = inside & _shaded(texture, x, y)

    def pixels(mask: Inside) -> NDArray[np.float64]:
        return np.asarray(mask.reshape(CELL, _SUB, CELL, _SUB).mean(axis=(1, 3)), np.float64)

    return pixels(inside), pixels(dark)


def tile_number(colour: str, shape: str, size: str, texture: str) -> int:
    """Number of the tile that shows this object.

    >>> tile_number("red", "circle", "small", "solid")
    0
    """
    pair = list(COLOURS).index(colour) * len(SHAPES) + SHAPES.index(shape)
    return pair * len(VARIANTS) + VARIANTS.index((size, texture))


def describe_tile(number: int) -> tuple[str, str, str, str]:
    """Colour, shape, size and texture of the object on a tile, the inverse of tile_number.

    >>> describe_tile(255)
    ('pink', 'heart', 'large', 'dotted')
    """
    pair, variant = divmod(number, len(VARIANTS))
    colour, shape = divmod(pair, len(SHAPES))
    return list(COLOURS)[colour], SHAPES[shape], *VARIANTS[variant]


@cache
def tiles() -> NDArray[np.uint8]:
    """Every tile on every background.

    Returns:
        Read-only uint8 of shape (backgrounds, EMPTY + 1, CELL, CELL, 3).
    """
    looks = [coverage(shape, size, texture) for shape in SHAPES for size, texture in VARIANTS]
    cover, dark = (np.stack(masks)[None, None, ..., None] for masks in zip(*looks, strict=True))
    colour = np.array(list(COLOURS.values()))[None, :, None, None, None, :]
    ground = np.array(list(BACKGROUNDS.values()))[:, None, None, None, None, :]
    drawn = ground * (1 - cover) + colour * (cover - dark) + SHADE * colour * dark
    flat = drawn.reshape(len(BACKGROUNDS), EMPTY, CELL, CELL, 3)
    empty = np.broadcast_to(ground[:, 0], (len(BACKGROUNDS), 1, CELL, CELL, 3))
    table: NDArray[np.uint8] = np.rint(np.concatenate([flat, empty], axis=1) * 255).astype(np.uint8)
    table.setflags(write=False)
    return table
