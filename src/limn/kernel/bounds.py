"""Keeping clean states within the range that pictures have."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def threshold(clean: Tensor, share: float, bound: float | Tensor = 1.0) -> Tensor:
    """Dynamic thresholding (Saharia et al. 2022, section 2.3), for each picture by itself.

    The magnitude that a share of a picture's values does not exceed is found; where it is more than the bound,
    values are clamped to it and the picture is scaled back into the bound.

    Args:
        clean: Clean states (pictures, ...).
        share: Share of the values that keep their proportions, from 0 to 1.
        bound: Largest magnitude of a value afterwards, one for all or one for each picture (pictures,).

    >>> threshold(torch.tensor([[0.5, -1.0], [1.0, -4.0]]), 1.0).tolist()
    [[0.5, -1.0], [0.25, -1.0]]
    """
    sizes = clean.detach().abs().flatten(1).to(torch.promote_types(clean.dtype, torch.float32))
    place = share * (sizes.shape[1] - 1)
    below, above = (sizes.kthvalue(rank + 1, dim=1).values for rank in (math.floor(place), math.ceil(place)))
    shape = (-1, *[1] * (clean.ndim - 1))
    most = torch.as_tensor(bound, dtype=clean.dtype, device=clean.device).view(shape)
    limit = torch.lerp(below, above, place % 1).to(clean.dtype).view(shape).maximum(most)
    return clean.clamp(-limit, limit) * (most / limit)
