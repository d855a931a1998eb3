"""Read a toy back from four pictures of it: kind, parts, pattern and colours.

The silhouettes are compared with those of every kind with every choice of parts in many proportions, and the light
and shade with that of the nearest ones, plain and striped. Where the best one has its accent, the accent's colour is
read, and elsewhere the toy's. Light changes how bright a colour is and not its shares of red, green and blue, so
those are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from limn.data.toys3d.captions import Asked
from limn.data.toys3d.rendering import View, render, stripes
from limn.data.toys3d.toy import COLOURS, PARTS, PATTERNS, SIZES, Toy
from limn.scene3d.camera import Camera

CAMERAS: Final = tuple(Camera(azimuth=30, elevation=20).around(4))
"""From where a toy must be drawn to be read."""
MAX_RESIDUAL: Final = 0.3
"""Root mean square error of the silhouette beyond which nothing is read."""
_SIDE = 32
_PROPORTIONS = 16
_TRIED = 24  # nearest silhouettes whose light and shade are compared too

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What four pictures show.

    Args:
        kind: A kind, or ``unreadable``; then nothing else is said.
        colour: Of most of the toy.
        accent: Of its accent.
        pattern: Its pattern.
        parts: Parts by slot.
        residual: Root mean square error of the silhouette.
    """

    kind: str
    colour: str = ""
    accent: str = ""
    pattern: str = ""
    parts: Mapping[str, str]
    residual: float


@dataclass(frozen=True)
class _Templates:
    kinds: tuple[tuple[str, Mapping[str, str]], ...]
    silhouettes: Floats  # (templates, views * side * side)
    paints: NDArray[np.uint8]  # (templates, views, side, side)
    lights: Floats  # (templates, patterns, views, side, side)


@cache
def _templates() -> _Templates:
    kinds, shadows, paints, lights = [], [], [], []
    rng = np.random.default_rng(5)
    for kind, slots in PARTS.items():
        for chosen in product(*slots.values()):
            parts = dict(zip(slots, chosen, strict=True))
            for _ in range(_PROPORTIONS):
                toy = Toy(
                    kind=kind, colour="grey", accent="grey", parts=parts, sizes=tuple(rng.random(SIZES).tolist())
                )
                views = [render(toy, camera, _SIDE) for camera in CAMERAS]
                pictures = np.stack([view.picture for view in views]).astype(np.float32) / np.float32(255)
                kinds.append((kind, parts))
                shadows.append(_silhouettes(pictures).ravel())
                paints.append(np.stack([view.paint for view in views]))
                light = pictures.mean(-1)
                heights = np.stack([_heights(*pair) for pair in zip(views, CAMERAS, strict=True)])
                lights.append(np.stack([light, light * stripes(heights)]))
    return _Templates(tuple(kinds), np.stack(shadows), np.stack(paints), np.stack(lights))


def read(pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Reading:
    """Read a toy.

    Args:
        pictures: As :data:`CAMERAS` see it on white, (4, side, side, 3); sides are multiples of 32.
    """
    small = _small(np.asarray(pictures))
    shadow, templates = _silhouettes(small), _templates()
    errors = np.square(templates.silhouettes - shadow.ravel()).mean(1)
    if np.sqrt(errors.min()) > MAX_RESIDUAL:
        return Reading(kind="unreadable", parts={}, residual=float(np.sqrt(errors.min())))
    best = (np.inf, 0, "")
    for place in np.argsort(errors)[:_TRIED].tolist():
        paint = np.where(shadow > 0.95, templates.paints[place], 0)
        for pattern, light in zip(PATTERNS, templates.lights[place], strict=True):
            best = min(best, (float(errors[place]) + _unlike(small, light, paint), place, pattern))
    _, nearest, pattern = best
    kind, parts = templates.kinds[nearest]
    paint = np.where(shadow > 0.95, templates.paints[nearest], 0)
    main = _colour(small[paint == 1])
    return Reading(
        kind=kind,
        colour=main,
        accent=_colour(small[paint == 2]) or main,
        pattern=pattern,
        parts=parts,
        residual=float(np.sqrt(errors[nearest])),
    )


def matches(reading: Reading, asked: Asked) -> dict[str, bool]:
    """Say which of the things asked for a toy has; ``all`` is whether it has them all."""
    right = {"kind": reading.kind == asked.kind}
    right |= {
        name: getattr(reading, name) == getattr(asked, name)
        for name in ("colour", "accent", "pattern")
        if getattr(asked, name)
    }
    if asked.parts:
        right["parts"] = all(reading.parts.get(slot) == name for slot, name in asked.parts.items())
    return {**right, "all": all(right.values())}


def _heights(view: View, camera: Camera) -> Floats:
    """Return y of what is seen in each pixel."""
    origins, along = camera.rays(_SIDE)
    heights: Floats = (origins + view.depth[..., None] * along)[..., 1].astype(np.float32)
    return heights


def _small(pictures: NDArray[Any]) -> Floats:
    factor = pictures.shape[1] // _SIDE
    cells = pictures.reshape(len(pictures), _SIDE, factor, _SIDE, factor, 3).astype(np.float32) / 255
    small: Floats = cells.mean((2, 4))
    return small


def _silhouettes(pictures: Floats) -> Floats:
    """Return how far pixels are from white, at most 1."""
    away: Floats = np.minimum(1, (1 - pictures.min(-1)) / 0.4).astype(np.float32)
    return away


def _colour(pixels: Floats) -> str:
    """Return the colour that most pixels (n, 3) are nearest to, by their shares of red, green and blue."""
    if not len(pixels):
        return ""
    names, palette = list(COLOURS), np.array(list(COLOURS.values()), np.float32)
    shares = pixels / np.maximum(pixels.sum(-1, keepdims=True), 1e-3)
    palette = palette / palette.sum(-1, keepdims=True)
    nearest = np.square(shares[:, None] - palette).sum(-1).argmin(1)
    return names[int(np.bincount(nearest, minlength=len(names)).argmax())]


def _unlike(pictures: Floats, light: Floats, paint: NDArray[np.uint8]) -> float:
    """Return how far light and shade are from a template's, paint by paint up to a factor; a mean over pixels."""
    error, grey = 0.0, pictures.mean(-1)
    for index in (1, 2):
        inside = paint == index
        if inside.sum() >= 8:
            seen, wanted = grey[inside] / grey[inside].mean(), light[inside] / light[inside].mean()
            error += float(np.square(np.clip(seen - wanted, -0.5, 0.5)).sum())
    return error / paint.size
