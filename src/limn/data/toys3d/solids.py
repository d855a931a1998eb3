"""Convex solids, and the exact points where rays meet them.

A polytope is where all of its half-spaces overlap, so a ray is inside it between the last one that it enters and the
first one that it leaves (Kay and Kajiya 1986); an ellipsoid is a sphere in coordinates of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Solid(Protocol):
    """A convex solid."""

    @property
    def sphere(self) -> tuple[Floats, float]:
        """Centre and radius of a sphere that it lies in."""
        ...

    def meet(self, origin: Floats, along: Floats) -> tuple[Floats, Floats]:
        """Return how far rays go before they enter it, (rays,), infinite if never, and normals there, (rays, 3).

        Args:
            origin: Where all rays begin, (3,), outside.
            along: Unit vectors, (rays, 3).
        """
        ...


@dataclass(frozen=True)
class Polytope:
    """Points p with ``normals @ p <= offsets``; normals are unit vectors (n, 3)."""

    normals: Floats
    offsets: Floats
    sphere: tuple[Floats, float]

    def meet(self, origin: Floats, along: Floats) -> tuple[Floats, Floats]:
        """See :meth:`Solid.meet`."""
        speed = along @ self.normals.T
        speed = np.where(np.abs(speed) < 1e-7, np.float32(1e-7), speed)
        reached = (self.offsets - self.normals @ origin) / speed
        entered = np.where(speed < 0, reached, -np.inf)
        face = entered.argmax(1)
        near, far = entered.max(1), np.where(speed > 0, reached, np.inf).min(1)
        return np.where((near < far) & (near > 0), near, np.inf).astype(np.float32), self.normals[face]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with axes along the world's."""

    centre: Floats
    radii: Floats

    @property
    def sphere(self) -> tuple[Floats, float]:
        """Centre and radius of a sphere that it lies in."""
        return self.centre, float(self.radii.max())

    def meet(self, origin: Floats, along: Floats) -> tuple[Floats, Floats]:
        """See :meth:`Solid.meet`."""
        start, step = (origin - self.centre) / self.radii, along / self.radii
        a, b = (step**2).sum(1), step @ start
        square = b**2 - a * (start @ start - 1)
        root = np.sqrt(np.maximum(square, 0))
        near = np.where((square > 0) & (b < 0), (-b - root) / a, np.inf).astype(np.float32)
        there = np.where(np.isfinite(near), near, 0)
        normal = (start + there[:, None] * step) / self.radii
        return near, normal / np.linalg.norm(normal, axis=1, keepdims=True)


def box(low: Sequence[float], high: Sequence[float]) -> Polytope:
    """Return the box between two corners."""
    normals = np.concatenate([np.eye(3), -np.eye(3)])
    corners = np.array([low, high], np.float32)
    return Polytope(
        normals.astype(np.float32),
        np.array([*high, *(-value for value in low)], np.float32),
        (corners.mean(0), float(np.linalg.norm(corners[1] - corners[0]) / 2)),
    )


def ball(centre: Sequence[float], radii: Sequence[float]) -> Ellipsoid:
    """Return an ellipsoid."""
    return Ellipsoid(np.array(centre, np.float32), np.array(radii, np.float32))


def column(
    place: tuple[float, float], low: float, high: float, below: float, above: float | None = None, sides: int = 16
) -> Polytope:
    """Return an upright column or a part of a cone; with four sides they face the axes.

    Args:
        place: x and z of its middle.
        low: y where it stands.
        high: y where it ends.
        below: Radius at ``low``, to the middle of a side.
        above: Radius at ``high``; the same when ``None``.
        sides: How many sides it has.
    """
    slope = ((below if above is None else above) - below) / (high - low)
    angles = 2 * np.pi * np.arange(sides) / sides
    normals = np.stack([np.cos(angles), np.full(sides, -slope), np.sin(angles)], 1)
    offsets = below - slope * low + np.cos(angles) * place[0] + np.sin(angles) * place[1]
    length = np.sqrt(1 + slope**2)
    normals = np.concatenate([normals / length, [[0, 1, 0], [0, -1, 0]]])
    widest = max(below, below if above is None else above) / np.cos(np.pi / sides)
    return Polytope(
        normals.astype(np.float32),
        np.array([*(offsets / length), high, -low], np.float32),
        (np.array([place[0], (low + high) / 2, place[1]], np.float32), float(np.hypot(widest, (high - low) / 2))),
    )
