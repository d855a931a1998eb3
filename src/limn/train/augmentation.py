"""Pictures as generators draw them: moved, scaled and blurred a little, or through an autoencoder."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def jittered(states: Tensor, rng: np.random.Generator, share: float) -> Tensor:
    """Move, scale and blur a share of pictures a little, as generators and autoencoders do; colours stay.

    Args:
        states: Pictures (rows, channels, height, width).
        rng: Source of every choice.
        share: How many of them.

    Returns:
        The same shape.
    """
    rows, channels = states.shape[:2]
    chosen = torch.from_numpy(rng.random(rows) < share)
    scale = torch.from_numpy(rng.uniform(0.95, 1.25, rows)).float()
    shift = torch.from_numpy(rng.uniform(-0.12, 0.12, (rows, 2))).float()
    blur = torch.from_numpy(rng.uniform(0, 1, rows)).float()
    maps = torch.zeros(rows, 2, 3)
    maps[:, 0, 0] = maps[:, 1, 1] = torch.where(chosen, scale, 1.0)
    maps[:, :, 2] = torch.where(chosen[:, None], shift, 0.0)
    places = F.affine_grid(maps, list(states.shape), align_corners=False)
    ground = states[:, :, :1, :1]  # what comes in from outside has the colour of the corner
    moved = F.grid_sample(states - ground, places, padding_mode="zeros", align_corners=False) + ground
    weights = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = (weights[:, None] * weights).expand(channels, 1, 3, 3)
    blurred = F.conv2d(F.pad(moved, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)
    return torch.lerp(moved, blurred, torch.where(chosen, blur, 0.0)[:, None, None, None])


def shuffled_patches(states: Tensor, rng: np.random.Generator, pieces: int = 4) -> Tensor:
    """Return pictures put together from ``pieces`` x ``pieces`` patches, each of another picture; the same shape."""
    rows, channels, height, width = states.shape
    cut = states.view(rows, channels, pieces, height // pieces, pieces, width // pieces)
    cut = cut.permute(2, 4, 0, 1, 3, 5).flatten(0, 1)
    mixed = torch.stack([piece[torch.from_numpy(rng.permutation(rows))] for piece in cut])
    mixed = mixed[torch.from_numpy(rng.permutation(len(mixed)))]
    laid = mixed.view(pieces, pieces, rows, channels, height // pieces, width // pieces)
    return laid.permute(2, 3, 0, 4, 1, 5).reshape(states.shape)
