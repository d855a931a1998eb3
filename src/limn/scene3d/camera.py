"""Cameras that look at the middle of an object, and the rays through their pixels.

The y axis points up, an object faces along z, and lies in the cube from -1 to 1. A camera at azimuth 0 looks at its
face, at azimuth 90 it stands on the x axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError, unknown_name

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera that looks at the origin.

    Args:
        azimuth: Degrees around the y axis.
        elevation: Degrees above the ground, from -90 to 90.
        distance: From the origin, above 1.8, so that the camera stands outside the cube.
        fov: Field of view in degrees, from 1 to 120.

    Raises:
        InputError: A value is out of bounds.
    """

    azimuth: float = 30.0
    elevation: float = 20.0
    distance: float = 4.0
    fov: float = 32.0

    def __post_init__(self) -> None:
        bounds = {"azimuth": (-3600, 3600), "elevation": (-90, 90), "distance": (1.8, 100), "fov": (1, 120)}
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise InputError(f"camera: {name} must be from {least:g} to {most:g}, not {value:g}")

    @classmethod
    def parse(cls, text: str) -> Camera:
        """Read a camera as it is written on the command line; what is left out is the usual one's.

        Raises:
            InputError: A field is unknown, given twice or no number.

        >>> Camera.parse("azimuth=90,elevation=0").eye.round(6).tolist()
        [4.0, 0.0, 0.0]
        """
        values: dict[str, Any] = {}
        names = [item.name for item in fields(cls)]
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = (piece.strip() for piece in part.partition("="))
            if name not in names:
                raise unknown_name("field of a camera", name, names)
            if name in values:
                raise InputError(f"camera: {name} is given twice; give it once")
            try:
                values[name] = float(value)
            except ValueError:
                raise InputError(f"camera: {part[:40]!r} is not of the form azimuth=30; give a number") from None
        return cls(**values)

    def __str__(self) -> str:
        """Return what :meth:`parse` reads."""
        return ",".join(f"{item.name}={getattr(self, item.name):g}" for item in fields(self))

    def turned(self, degrees: float) -> Camera:
        """Return the camera further around the object."""
        return replace(self, azimuth=math.fmod(self.azimuth + degrees, 360))

    def around(self, count: int) -> list[Camera]:
        """Return ``count`` cameras in equal steps around the object, this one first."""
        return [self.turned(360 * k / count) for k in range(count)]

    @property
    def frame(self) -> Array:
        """Right, up and forward in the world, the rows of an orthonormal matrix (3, 3)."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        right = [math.cos(a), 0.0, -math.sin(a)]
        up = [-math.sin(a) * math.sin(e), math.cos(e), -math.cos(a) * math.sin(e)]
        forward = [-math.sin(a) * math.cos(e), -math.sin(e), -math.cos(a) * math.cos(e)]
        return np.array([right, up, forward])

    @property
    def eye(self) -> Array:
        """Where it stands, (3,)."""
        eye: Array = -self.distance * self.frame[2]
        return eye

    def rays(self, height: int, width: int | None = None) -> tuple[Array, Array]:
        """Return where rays begin and unit vectors along them, each (height, width, 3), through pixel centres."""
        width = height if width is None else width
        reach = math.tan(math.radians(self.fov) / 2)
        y = reach * (1 - (2 * np.arange(height) + 1) / height)
        x = reach * (width / height) * ((2 * np.arange(width) + 1) / width - 1)
        inside = np.stack(np.broadcast_arrays(x[None], y[:, None], 1.0), -1) @ self.frame
        along = inside / np.linalg.norm(inside, axis=-1, keepdims=True)
        return np.broadcast_to(self.eye, along.shape), along

    def project(self, points: Array, size: int) -> tuple[Array, Array]:
        """Return where points (n, 3) stand in a square picture.

        Returns:
            Column and row of each, (n, 2), in pixels with 0 at the left and upper edge; and their distances (n,)
            from the camera, along the rays.
        """
        away = points - self.eye
        right, up, forward = (away @ self.frame.T).T
        reach = math.tan(math.radians(self.fov) / 2) * forward
        places = np.stack([(right / reach + 1) / 2, (1 - up / reach) / 2], -1) * size
        return places, np.linalg.norm(away, axis=-1)
