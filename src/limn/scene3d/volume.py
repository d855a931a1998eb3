"""Volume rendering: what a ray sees of a field of densities and colours (Max 1995; Mildenhall et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from limn.scene3d.rays import bounds, cube, importance, stratified

Field = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Points (rows, points, 3) to densities (rows, points) and colours (rows, points, 3) in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What rays see.

    Args:
        colour: In [0, 1], (..., 3), before white where nothing is.
        opacity: Share of the light that is stopped, (...).
        depth: Mean distance at which it is stopped, (...); where nothing is, the ray's end.
    """

    colour: Tensor
    opacity: Tensor
    depth: Tensor


def composite(density: Tensor, colour: Tensor, distances: Tensor, edges: Tensor) -> tuple[Seen, Tensor]:
    """Add up the pieces of rays, the nearest first, in front of white.

    A piece of length d and density s stops the share ``1 - exp(-s d)`` of the light that comes to it.

    Args:
        density: Of each piece, 0 or more, (..., pieces).
        colour: (..., pieces, 3).
        distances: Where each piece was looked at, (..., pieces).
        edges: Ends of the pieces, (..., pieces + 1).

    Returns:
        What is seen, and the share of each piece in it, (..., pieces).
    """
    thickness = density * (edges[..., 1:] - edges[..., :-1])
    before = torch.cumsum(thickness, -1) - thickness
    weights = torch.exp(-before) * -torch.expm1(-thickness)
    opacity = weights.sum(-1)
    rest = 1 - opacity
    seen = Seen(
        colour=(weights[..., None] * colour).sum(-2) + rest[..., None],
        opacity=opacity,
        depth=(weights * distances).sum(-1) + rest * edges[..., -1],
    )
    return seen, weights


def look(
    field: Field,
    origins: Tensor,
    directions: Tensor,
    *,
    samples: int = 32,
    finer: int = 0,
    generator: torch.Generator | None = None,
) -> Seen:
    """Look along rays through a field in the cube from -1 to 1.

    Args:
        field: What is there.
        origins: (rows, rays, 3).
        directions: Unit vectors (rows, rays, 3).
        samples: Points on each ray, spread evenly.
        finer: Further points, where the first ones found something.
        generator: Where in its part of the ray each point lies; the middle when ``None``.
    """
    near, far = cube(origins, directions)
    distances = stratified(near, far, samples, generator)
    if finer:
        with torch.no_grad():
            _, weights = _through(field, origins, directions, distances, near, far)
        more = importance(bounds(distances, near, far), weights, finer, generator)
        distances = torch.cat([distances, more], -1).sort(-1).values
    return _through(field, origins, directions, distances, near, far)[0]


def roughness(
    field: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], planes: Tensor, way: float, generator: torch.Generator
) -> Tensor:
    """Return how much density changes over a short way, relative to one that is opaque; 0 where it is even.

    Args:
        field: Reads points (rows, points, 3) of planes.
        planes: (rows, ...).
        way: Standard deviation of the way; the cube's side is 2.
        generator: Says where it is looked at.
    """
    points = torch.rand(len(planes), 256, 3, generator=generator) * 2 - 1
    moved = points + way * torch.randn(points.shape, generator=generator)
    first, second = (field(planes, part.to(planes))[0] for part in (points, moved))
    return (torch.exp(-first * way) - torch.exp(-second * way)).abs().mean()


def _through(
    field: Field, origins: Tensor, directions: Tensor, distances: Tensor, near: Tensor, far: Tensor
) -> tuple[Seen, Tensor]:
    points = origins[..., None, :] + directions[..., None, :] * distances[..., None]
    density, colour = field(points.flatten(1, 2))
    shape = distances.shape
    edges = bounds(distances, near, far)
    return composite(density.view(shape), colour.view(*shape, 3), distances, edges)
