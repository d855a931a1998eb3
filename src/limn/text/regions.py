"""Painted pictures: which part of the picture belongs to which words."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from limn.io.pictures import decode, open_picture
from limn.kernel.errors import InputError
from limn.kernel.prompt import Region

MAX_PIXELS = 2**24
"""Pixels of a mask or painting that are read at most."""

_SIDE = 512  # masks made from larger paintings are scaled down to this side
_NEAR = 24  # how far a channel may be off (of 255): edges that a paint program has smoothed stay out

Grey = np.ndarray[Any, np.dtype[np.float32]]


def regions_from_painting(png: bytes, words: Mapping[str, str]) -> tuple[Region, ...]:
    """Turn a painted picture into regions, one for each colour named.

    A pixel belongs to the nearest of the colours named, if that is near; other pixels, and those more transparent
    than not, belong to none. Any size will do: it stands for the whole picture to be drawn.

    Args:
        png: The painting, as the bytes of a PNG file.
        words: Colours, as ``#rrggbb``, ``#rgb`` or a name, and the words of the prompt that belong there.

    Returns:
        Regions with masks, in the order of ``words``.

    Raises:
        InputError: It is not a PNG, a colour is not one or is named twice or is not in the painting.
    """
    from PIL.Image import Resampling

    if not words:
        raise InputError("painting: no colour is named; say which words each colour stands for")
    picture = decode(png, name="painting", max_pixels=MAX_PIXELS, formats=("PNG",)).convert("RGBA")
    if max(picture.size) > _SIDE:
        scale = _SIDE / max(picture.size)
        size = [max(1, round(side * scale)) for side in picture.size]
        picture = picture.resize((size[0], size[1]), Resampling.NEAREST)
    pixels = np.asarray(picture).astype(np.int16)
    palette = np.array([_colour(name) for name in words], dtype=np.int16)
    if len(np.unique(palette, axis=0)) < len(palette):
        raise InputError("painting: a colour is named twice; name each colour once")
    away = np.abs(pixels[..., None, :3] - palette).max(-1)
    nearest = np.where((away.min(-1) <= _NEAR) & (pixels[..., 3] >= 128), away.argmin(-1), -1)
    regions = []
    for place, (name, phrase) in enumerate(words.items()):
        inside = nearest == place
        if not inside.any():
            raise InputError(f"painting: no pixel has the colour {name}; {_present(pixels)}")
        regions.append(Region(words=phrase, mask=_png(inside)))
    return tuple(regions)


def cover(region: Region, rows: int, columns: int) -> Grey:
    """Return how much of each cell of a grid a region covers, (rows, columns) in [0, 1].

    Args:
        region: Its box, or its mask, which is scaled to the grid whatever its size.
        rows: Cells from top to bottom.
        columns: Cells from left to right.

    Raises:
        InputError: The mask is not a PNG or covers nothing.

    >>> cover(Region(words="sky", box=(0, 0, 1, 0.75)), 2, 1).tolist()
    [[1.0], [0.5]]
    """
    if region.mask:
        return _mask(region.mask, region.words, rows, columns)
    left, top, right, bottom = region.box
    return np.outer(_line(top, bottom, rows), _line(left, right, columns)).astype(np.float32)


def _line(start: float, end: float, cells: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return how much of each of the cells between 0 and 1 lies between start and end."""
    edges = np.arange(cells + 1)
    inside: np.ndarray[Any, np.dtype[np.float64]] = np.minimum(edges[1:], end * cells) - np.maximum(
        edges[:-1], start * cells
    )
    return inside.clip(0, 1)


@lru_cache(maxsize=128)
def _mask(png: bytes, words: str, rows: int, columns: int) -> Grey:
    from PIL import Image

    picture = open_picture(png, name=f"region {words[:40]!r}", max_pixels=MAX_PIXELS, formats=("PNG",))
    if picture.mode.startswith(("I", "F")):  # 16 bits a pixel
        grey = np.asarray(picture).astype(np.float32) / 65535
    else:
        both = np.asarray(picture.convert("RGBA").convert("LA")).astype(np.float32) / 255
        grey = both[..., 0] * both[..., 1]
    if not grey.any():
        raise InputError(f"region {words[:40]!r}: its mask covers nothing; paint it white where the words belong")
    scaled = Image.fromarray(grey).resize((columns, rows), Image.Resampling.BOX)
    return np.asarray(scaled).clip(0, 1)


def _colour(name: str) -> tuple[int, int, int]:
    from PIL.ImageColor import getrgb

    try:
        red, green, blue = getrgb(name.strip() if len(name) < 40 else "")[:3]
    except ValueError:
        raise InputError(f"painting: {name[:40]!r} is not a colour; write it as #rrggbb") from None
    return red, green, blue


def _present(pixels: np.ndarray[Any, np.dtype[np.int16]]) -> str:
    """Say which colours a painting has most of."""
    colours, counts = np.unique(pixels[pixels[..., 3] >= 128][:, :3], axis=0, return_counts=True)
    most = [tuple(map(int, colours[place])) for place in np.argsort(-counts, kind="stable")[:4]]
    names = ", ".join(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in most)
    return f"it has most of {names}" if names else "it is empty"


def _png(inside: np.ndarray[Any, np.dtype[np.bool_]]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(inside).save(file, "PNG", optimize=True)
    return file.getvalue()
