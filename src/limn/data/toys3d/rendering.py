"""Pictures of toys, drawn by exact ray casting: colours, masks, depths, and which paint is seen where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from limn.data.toys3d.building import Paint, build
from limn.data.toys3d.toy import COLOURS, Toy
from limn.scene3d.camera import Camera

PAINTS: Final[tuple[Paint, ...]] = ("main", "accent", "dark")
_LIGHT: Final = np.array([0.45, 0.75, 0.48], np.float32)
_DARK: Final = (0.22, 0.18, 0.16)
_STRIPE: Final = 0.32  # from one stripe to the next
_DIM: Final = 0.62  # of a stripe
_FINER: Final = 2  # rays along the side of a pixel


@dataclass(frozen=True, kw_only=True)
class View:
    """A picture of a toy.

    Args:
        picture: On white, (side, side, 3).
        mask: How much of each pixel the toy covers, (side, side), 0 to 255.
        depth: Distance along the ray through each pixel, 0 where the toy covers less than half, (side, side).
        paint: 1 + the place in :data:`PAINTS` of what is seen in a pixel's corner, 0 for nothing, (side, side).
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    depth: NDArray[np.float16]
    paint: NDArray[np.uint8]


def render(toy: Toy, camera: Camera, side: int = 64) -> View:
    """Draw a toy as a camera sees it."""
    origins, along = camera.rays(side * _FINER)
    rays, origin = along.reshape(-1, 3).astype(np.float32), origins[0, 0].astype(np.float32)
    near = np.full(len(rays), np.inf, np.float32)
    normals = np.zeros((len(rays), 3), np.float32)
    paints = np.zeros(len(rays), np.uint8)
    for piece in build(toy):
        centre, radius = piece.solid.sphere
        away = centre - origin
        close = np.flatnonzero(np.square(rays @ away) > away @ away - radius**2)
        far, normal = piece.solid.meet(origin, rays[close])
        closer = far < near[close]
        close = close[closer]
        near[close], normals[close], paints[close] = far[closer], normal[closer], 1 + PAINTS.index(piece.paint)
    hit = np.isfinite(near)
    depth = np.where(hit, near, 0)
    colours = np.ones((len(rays), 3), np.float32)
    colours[hit] = _shaded(toy, paints[hit], normals[hit], (origin + depth[:, None] * rays)[hit, 1])
    covered = _pooled(hit.astype(np.float32), side)
    deep = np.where(covered >= 0.5, _pooled(depth, side) / np.maximum(covered, 1e-6), 0)
    return View(
        picture=(_pooled(colours, side) * 255).round().astype(np.uint8),
        mask=(covered * 255).round().astype(np.uint8),
        depth=deep.astype(np.float16),
        paint=paints.reshape(side, _FINER, side, _FINER)[:, 0, :, 0].copy(),
    )


def _shaded(
    toy: Toy, paints: NDArray[np.uint8], normals: NDArray[np.float32], heights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the colours of points: Lambert's law under one lamp, and some light from everywhere."""
    palette = np.array([COLOURS[toy.colour], COLOURS[toy.accent], _DARK], np.float32)
    light: NDArray[Any] = 0.5 + 0.5 * np.maximum(0, normals @ (_LIGHT / np.linalg.norm(_LIGHT)))
    if toy.pattern == "striped":
        light = light * stripes(heights)
    shaded: NDArray[np.float32] = (palette[paints - 1] * light[:, None]).astype(np.float32)
    return shaded


def stripes(heights: NDArray[Any]) -> NDArray[Any]:
    """Return how much of the light a striped toy gives back at heights y."""
    return np.where(np.floor(heights / (_STRIPE / 2)) % 2 == 0, 1, _DIM)


def _pooled(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Average what the rays of each pixel found."""
    cells = values.reshape(side, _FINER, side, _FINER, *values.shape[1:])
    pooled: NDArray[np.float32] = cells.mean((1, 3))
    return pooled
