"""Weights in eight bits: each row of a matrix as whole numbers from -127 to 127 and one scale.

The error of a value is at most half a scale, 1/254 of the row's largest magnitude; files are half as large as in
float16. Small tensors, and those with one dimension, are kept in float16. Networks compute in float32 as before.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from limn.kernel.errors import WeightsError

LEAST = 16_384
"""Tensors with fewer values stay in float16."""

_SCALE = "~scale"


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as they are stored.

    Args:
        tensors: Floating-point tensors by name; the first dimension of a matrix or kernel counts its rows.

    Returns:
        Rows of int8 with their scales (rows,) in float32 beside them, everything else in float16.
    """
    packed = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or tensor.numel() < LEAST:
            packed[name] = tensor.to(torch.float16)
            continue
        scale = tensor.float().flatten(1).abs().amax(1).clamp_min(1e-12) / 127
        packed[name] = (tensor.float() / _by_row(scale, tensor)).round().to(torch.int8)
        packed[name + _SCALE] = scale
    return packed


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as they are used; those that were never packed are as they were.

    Raises:
        WeightsError: The scales do not fit the rows.

    >>> row = torch.linspace(-1, 1, LEAST).view(2, -1)
    >>> bool((unpack(pack({"w": row}))["w"] - row).abs().max() < 1 / 250)
    True
    """
    unpacked = {}
    for name, tensor in tensors.items():
        scale = tensors.get(name + _SCALE)
        if scale is not None and scale.shape != tensor.shape[:1]:
            raise WeightsError(f"{name}{_SCALE}: {scale.numel()} scales for {tensor.shape[0]} rows; get it again")
        if not name.endswith(_SCALE):
            unpacked[name] = tensor if scale is None else tensor.float() * _by_row(scale, tensor)
    return unpacked


def _by_row(scale: Tensor, like: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (like.ndim - 1))
