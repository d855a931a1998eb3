"""Draw a stylised icon of a person: head and shoulders, a badge, a patterned border. It resembles nobody.

Each part is a set of points in pixel coordinates, x to the right and y downwards, on a canvas of 32 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

PICTURE = 32
"""Side of a picture, pixels."""

PROFESSIONS = ("doctor", "cook", "teacher", "farmer", "firefighter", "artist")
GENDERS = ("woman", "man", "neutral")
MOTIFS = ("lantern", "wave", "leaf", "zigzag")
STYLES = ("flat", "outline", "shaded")

Colour = tuple[float, float, float]

TONES: dict[str, Colour] = {
    "none": (1.00, 0.82, 0.20),
    "light": (1.00, 0.88, 0.79),
    "medium-light": (0.93, 0.74, 0.55),
    "medium": (0.78, 0.56, 0.37),
    "medium-dark": (0.58, 0.37, 0.22),
    "dark": (0.37, 0.22, 0.14),
}
"""Skin colours by name, RGB from 0 to 1; "none" is the yellow of pictograms."""

FIELDS: dict[str, tuple[str, ...]] = {
    "profession": PROFESSIONS,
    "gender": GENDERS,
    "tone": tuple(TONES),
    "motif": MOTIFS,
    "style": STYLES,
}
"""The values of each field; the axes of all tables, in this order."""

_SUB = 8  # sub-pixels along each side of a pixel, for anti-aliasing
_GROUND: Colour = (0.95, 0.95, 0.97)
_HAIR: Colour = (0.13, 0.09, 0.09)
_CLOTHES: Colour = (0.38, 0.50, 0.64)
_LINE: Colour = (0.10, 0.10, 0.16)
_WHITE: Colour = (1.0, 1.0, 1.0)

Inside = NDArray[np.bool_]
Canvas = NDArray[np.float64]
Area = Callable[[Canvas, Canvas], Inside]


def _disc(x: Canvas, y: Canvas, cx: float, cy: float, rx: float, ry: float | None = None) -> Inside:
    return np.asarray(((x - cx) / rx) ** 2 + ((y - cy) / (ry or rx)) ** 2 <= 1)


def _box(x: Canvas, y: Canvas, left: float, top: float, right: float, bottom: float) -> Inside:
    return np.asarray((x >= left) & (x <= right) & (y >= top) & (y <= bottom))


def _fringe(x: Canvas, y: Canvas) -> Inside:
    return _disc(x, y, 16, 12.4, 6.3) & (y < 10.6 - 0.06 * (x - 16))


def _body(x: Canvas, y: Canvas) -> Inside:
    return _disc(x, y, 16, 30, 10.5, 9.5) & ~_disc(x, y, 16, 19.5, 2.6) & (y < 28)


def _head(x: Canvas, y: Canvas) -> Inside:
    return _disc(x, y, 16, 13, 5.5) | _box(x, y, 14, 16, 18, 24)


# Behind the head and in front of it. A drawing convention for "represented as", nothing more.
_HAIRS: dict[str, tuple[Area, Area]] = {
    "woman": (lambda x, y: _disc(x, y, 16, 15.5, 8, 9.5) & (y < 23), _fringe),
    "man": (lambda x, y: _disc(x, y, 16, 12, 6.3) & (y < 11), _fringe),
    "neutral": (lambda x, y: _disc(x, y, 16, 12.2, 7.6) & (y < 16.5), _fringe),
}

# Around (0, 0), inside a disc of radius 4.9 in the colour given.
_BADGES: dict[str, tuple[Colour, Area]] = {
    "doctor": ((0.86, 0.17, 0.20), lambda x, y: _box(x, y, -1, -3, 1, 3) | _box(x, y, -3, -1, 3, 1)),
    "cook": (
        (0.95, 0.58, 0.10),
        lambda x, y: (
            _disc(x, y, -1.7, -1, 1.6)
            | _disc(x, y, 1.7, -1, 1.6)
            | _disc(x, y, 0, -1.7, 1.7)
            | _box(x, y, -2, -1, 2, 2.8)
        ),
    ),
    "teacher": (
        (0.18, 0.38, 0.86),
        lambda x, y: _box(np.abs(x), y + 0.3 * np.abs(x), 0.4, -1.4, 3.6, 2.9),
    ),
    "farmer": (
        (0.18, 0.58, 0.25),
        lambda x, y: (
            _disc(np.abs(x) + y + 1, np.abs(x) - y - 2.8, 0.9, 0.5, 1.3, 2.6) | _box(x, y, -0.55, -0.4, 0.55, 3.4)
        ),
    ),
    "firefighter": (
        (0.22, 0.22, 0.26),
        lambda x, y: _disc(x, y, 0, 1, 2.3, 2.4) | ((y < 1) & (np.abs(x - 0.3) < 0.5 * (y + 3.8)) & (y > -3.8)),
    ),
    "artist": (
        (0.60, 0.24, 0.76),
        lambda x, y: (
            _disc(x, y, 0, 0, 3.6, 2.9)
            & ~_disc(x, y, 1.7, 0.9, 1)
            & ~_disc(x, y, -1.5, -0.9, 0.8)
            & ~_disc(x, y, 0.9, -1.4, 0.7)
        ),
    ),
}

# Pattern and ground of a band 4 pixels high, y from 0 to 4.
_BANDS: dict[str, tuple[Colour, Colour, Area]] = {
    "lantern": ((0.98, 0.78, 0.25), (0.72, 0.12, 0.16), lambda x, y: _disc((x + 4) % 8, y, 4, 2, 2.5, 1.6)),
    "wave": ((0.12, 0.42, 0.78), (0.80, 0.92, 1.00), lambda x, y: y > 2 + 1.3 * np.sin(x * np.pi / 4)),
    "leaf": (
        (0.20, 0.52, 0.22),
        (0.93, 0.91, 0.72),
        lambda x, y: (
            _disc(x % 8 + (y - 2), x % 8 - (y - 2), 2.4, 2.4, 1.6, 2.7)
            | _disc(x % 8 - (y - 2), x % 8 + (y - 2), 6.4, 6.4, 1.6, 2.7)
        ),
    ),
    "zigzag": (
        (0.36, 0.18, 0.50),
        (0.96, 0.70, 0.36),
        lambda x, y: np.abs(y - 0.4 - 0.8 * np.abs((x + 4) % 8 - 4)) < 1,
    ),
}


def _grid() -> tuple[Canvas, Canvas]:
    axis = (np.arange(PICTURE * _SUB) + 0.5) / _SUB
    x, y = np.meshgrid(axis, axis)
    return x, y


def _pixels(mask: Inside) -> Canvas:
    """Coverage of each pixel, (32, 32, 1)."""
    return np.asarray(mask.reshape(PICTURE, _SUB, PICTURE, _SUB).mean(axis=(1, 3))[..., None])


def _rim(mask: Inside) -> Inside:
    """The outermost 0.9 pixels of an area."""
    reach = round(0.9 * _SUB)
    slant = round(0.64 * _SUB)
    core = mask.copy()
    for dy, dx in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
        core &= np.roll(mask, (dy, dx), axis=(0, 1))
    for dy, dx in ((slant, slant), (slant, -slant), (-slant, slant), (-slant, -slant)):
        core &= np.roll(mask, (dy, dx), axis=(0, 1))
    return np.asarray(mask & ~core)


def _over(canvas: Canvas, mask: Inside, colour: Colour | Canvas) -> Canvas:
    """Lay a coloured area over a canvas."""
    cover = _pixels(mask)
    return np.asarray(canvas * (1 - cover) + np.asarray(colour) * cover)


def _portrait(gender: str, tone: str, style: str) -> Canvas:
    """Head, hair and shoulders."""
    x, y = _grid()
    back, front = (area(x, y) for area in _HAIRS[gender])
    body, head = _body(x, y), _head(x, y)
    canvas = np.broadcast_to(np.array(_GROUND), (PICTURE, PICTURE, 3)).copy()
    if style == "shaded":  # light from the top left, over every part
        row, column = np.mgrid[:PICTURE, :PICTURE][..., None]
        light = 1.12 - 0.56 * np.clip((column - 8) * 0.7 + (row - 5) * 0.6, 0, 22) / 22
    else:
        light = np.ones((PICTURE, PICTURE, 1))
    for mask, colour in ((back, _HAIR), (head, TONES[tone]), (body, _CLOTHES), (front, _HAIR)):
        hollow = style == "outline" and colour == _CLOTHES
        canvas = _over(canvas, mask, _WHITE if hollow else np.clip(np.array(colour) * light, 0, 1))
        if style == "outline":
            canvas = _over(canvas, _rim(mask), _LINE)
    eyes = _disc(x, y, 13.9, 13.6, 0.8) | _disc(x, y, 18.1, 13.6, 0.8)
    return _over(canvas, eyes, _LINE)


def _decorate(canvas: Canvas, profession: str, motif: str) -> Canvas:
    """Add the border and the badge."""
    x, y = _grid()
    pattern, ground, area = _BANDS[motif]
    for top in (0, PICTURE - 4):
        band = (y >= top) & (y < top + 4)
        canvas = _over(_over(canvas, band, ground), band & area(x, y - top), pattern)
    colour, glyph = _BADGES[profession]
    x, y = x - 26, y - 22
    canvas = _over(_over(canvas, _disc(x, y, 0, 0, 5.6), _WHITE), _disc(x, y, 0, 0, 4.9), colour)
    return _over(canvas, glyph(x, y), (1.0, 0.72, 0.15) if profession == "firefighter" else _WHITE)


@cache
def table() -> NDArray[np.uint8]:
    """Every icon there is.

    Returns:
        Read-only uint8 of shape (professions, genders, tones, motifs, styles, 32, 32, 3).
    """
    shape = [len(values) for values in FIELDS.values()]
    icons = np.empty((*shape, PICTURE, PICTURE, 3), np.uint8)
    # A portrait shows through what is laid over it, so each decoration is one gain and one offset per pixel.
    black, white = np.zeros((PICTURE, PICTURE, 3)), np.ones((PICTURE, PICTURE, 3))
    portraits = np.array([[[_portrait(g, t, s) for s in STYLES] for t in TONES] for g in GENDERS])
    for p, profession in enumerate(PROFESSIONS):
        for m, motif in enumerate(MOTIFS):
            offset = _decorate(black, profession, motif)
            gain = _decorate(white, profession, motif) - offset
            icons[p, :, :, m] = np.rint(255 * (portraits * gain + offset))
    icons.setflags(write=False)
    return icons
