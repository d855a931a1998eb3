"""Random cut-outs of pictures, and losses that guide by what is seen in them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cutouts(pictures: Tensor, draws: Tensor, size: int, smallest: float) -> Tensor:
    """Cut random squares out of pictures and average each down (or repeat it up) to one size.

    The side goes from ``smallest`` of the shorter side to the whole of it, by the root of a uniform number, so that
    large cut-outs are more frequent (MGAD; Huang et al. 2022). The same as adaptive average pooling of every
    cut-out by itself, done as two products of matrices for all of them.

    Args:
        pictures: (pictures, channels, height, width).
        draws: Uniform numbers in [0, 1) for side, top and left: (pictures, cuts, 3).
        size: Side of what comes out.
        smallest: Share of the shorter side that the smallest cut-out has, above 0.

    Returns:
        (pictures, cuts, channels, size, size), differentiable in the pictures.
    """
    height, width = pictures.shape[-2:]
    most = min(height, width)
    least = max(1, round(smallest * most))
    side = (draws[..., 0].sqrt() * (most - least) + least).long()
    top, left = ((draws[..., 1 + axis] * (whole - side + 1)).long() for axis, whole in enumerate((height, width)))
    rows = _averages(top, side, size, height).to(pictures)
    columns = _averages(left, side, size, width).to(pictures)
    return torch.einsum("nkih,nchw,nkjw->nkcij", rows, pictures, columns)


def spherical(one: Tensor, other: Tensor) -> Tensor:
    """Return half the squared angle between unit vectors (..., width): ``2 * arcsin(|one - other| / 2)^2``.

    >>> round(float(spherical(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))), 4)
    1.2337
    """
    chord = (one - other).norm(dim=-1) / 2
    half_angle: Tensor = chord.clamp(max=1 - 1e-6).arcsin()
    return 2 * half_angle.square()


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean square step to the next value at the right plus that to the next below, (pictures,)."""
    padded = F.pad(pictures, (0, 1, 0, 1), "replicate")
    right = padded[..., :-1, 1:] - padded[..., :-1, :-1]
    below = padded[..., 1:, :-1] - padded[..., :-1, :-1]
    return (right.square() + below.square()).flatten(1).mean(1)


def outside(pictures: Tensor) -> Tensor:
    """Return the mean square distance of values to [-1, 1], (pictures,)."""
    return (pictures - pictures.clamp(-1, 1)).square().flatten(1).mean(1)


def _averages(start: Tensor, side: Tensor, size: int, whole: int) -> Tensor:
    """Return what averages ``side`` places from ``start`` on into ``size`` bins, (..., size, whole)."""
    bins = torch.arange(size, device=start.device)
    first = start[..., None] + bins * side[..., None] // size
    last = start[..., None] - (-(bins + 1) * side[..., None] // size)
    places = torch.arange(whole, device=start.device)
    inside = (places >= first[..., None]) & (places < last[..., None])
    return inside / (last - first)[..., None]
