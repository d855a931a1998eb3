"""Where a ray is looked at: in the cube that holds the object, everywhere first, then where something is."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from limn.scene3d.camera import Camera


def cube(origins: Tensor, directions: Tensor, half: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return where rays enter and leave the cube from ``-half`` to ``half`` (Kay and Kajiya 1986).

    Args:
        origins: (..., 3), of any rays.
        directions: (..., 3).
        half: Half of the cube's side.

    Returns:
        Distances along the rays, each (...); both are the same where a ray misses the cube.
    """
    safe = torch.where(directions.abs() < 1e-9, torch.full_like(directions, 1e-9), directions)
    first, second = (-half - origins) / safe, (half - origins) / safe
    near = torch.minimum(first, second).amax(-1).clamp_min(0)
    far = torch.maximum(first, second).amin(-1)
    return near, torch.maximum(near, far)


def stratified(near: Tensor, far: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Return one distance in each of ``count`` equal parts of a ray, (..., count) in rising order.

    Args:
        near: Where each ray begins, (...).
        far: Where it ends.
        count: How many.
        generator: Where in its part each lies; the middle of it when ``None``.
    """
    shape = (*near.shape, count)
    inside = torch.full(shape, 0.5) if generator is None else torch.rand(shape, generator=generator)
    places = (torch.arange(count) + inside).to(near) / count
    return near[..., None] + (far - near)[..., None] * places


def bounds(distances: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """Return the ends of the pieces that distances (..., n) stand for, (..., n + 1): halfway between neighbours."""
    middle = (distances[..., 1:] + distances[..., :-1]) / 2
    return torch.cat([near[..., None], middle, far[..., None]], -1)


def importance(
    edges: Tensor, weights: Tensor, count: int, generator: torch.Generator | None = None, floor: float = 1e-3
) -> Tensor:
    """Return distances drawn where the weights are: the inverse of their summed-up share.

    Args:
        edges: Ends of the pieces of a ray, (..., n + 1).
        weights: Of each piece, (..., n), 0 or more.
        count: How many distances.
        generator: Source of randomness; evenly spread shares when ``None``.
        floor: Added to every weight, so that a ray through nothing is looked at everywhere.

    Returns:
        (..., count) in rising order.
    """
    weights = weights + floor * weights.mean(-1, keepdim=True) + 1e-6
    share = torch.cumsum(weights / weights.sum(-1, keepdim=True), -1)
    share = torch.cat([torch.zeros_like(share[..., :1]), share], -1)
    share[..., -1] = 1
    zeros = torch.zeros_like(share[..., 0])
    asked = stratified(zeros, zeros + 1, count, generator)
    right = torch.searchsorted(share, asked.contiguous(), right=True).clamp(1, weights.shape[-1])
    low, high = share.gather(-1, right - 1), share.gather(-1, right)
    start, end = edges.gather(-1, right - 1), edges.gather(-1, right)
    return start + (end - start) * (asked - low) / (high - low).clamp_min(1e-9)


def pinhole(frames: Tensor, column: Tensor, row: Tensor, side: int, camera: Camera) -> tuple[Tensor, Tensor]:
    """Return rays through single pixels of square pictures, each by a camera of its own.

    Args:
        frames: Of the cameras, (..., 3, 3); see :attr:`limn.scene3d.camera.Camera.frame`.
        column: Of each pixel, (...).
        row: Likewise.
        side: Of the pictures.
        camera: What the cameras have in common: distance and field of view.

    Returns:
        Origins and unit vectors, each (..., 3).
    """
    reach = math.tan(math.radians(camera.fov) / 2)
    x, y = (reach * ((2 * place + 1) / side - 1) for place in (column, -1 - row + side))
    right, up, forward = frames.unbind(-2)
    along = x[..., None] * right + y[..., None] * up + forward
    return -camera.distance * forward, along / along.norm(dim=-1, keepdim=True)
