"""Classical augmentation of pictures: shifts and flips, RandAugment, mixup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Augmentation = Callable[[Tensor, Tensor, np.random.Generator], tuple[Tensor, Tensor]]
"""From pictures (rows, 3, height, width) in [-1, 1] and shares of classes (rows, classes) to the same."""

STRENGTH = 0.5
"""Of RandAugment: 0 changes nothing, 1 as much as each operation may."""
OPERATIONS = 2
MIX = 0.2


def plain(states: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Shift by up to an eighth and flip half of the pictures from left to right."""
    rows = len(states)
    maps = _still(rows)
    maps[:, 0, 0] = torch.from_numpy(np.where(rng.random(rows) < 0.5, -1.0, 1.0)).float()
    maps[:, :, 2] = torch.from_numpy(rng.uniform(-0.25, 0.25, (rows, 2))).float()
    return _moved(states, maps), labels


def randaugment(states: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Shift and flip, then do two operations drawn for each picture (Cubuk et al. 2020, arXiv:1909.13719).

    Operations: none, brightness, contrast, saturation, posterise, solarise, rotate, shear, shift, scale, erase.
    """
    states, _ = plain(states, labels, rng)
    for _ in range(OPERATIONS):
        choice = rng.integers(11, size=len(states))
        sign = torch.from_numpy(rng.choice([-1.0, 1.0], len(states))).float()[:, None, None, None]
        states = _coloured(states, choice, sign)
        states = _bent(states, choice, sign, rng)
        states = _erased(states, choice, rng)
    return states, labels


def mixup(states: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Shift and flip, then mix each picture and its label with another's (Zhang et al. 2018, arXiv:1710.09412)."""
    states, _ = plain(states, labels, rng)
    share = torch.from_numpy(rng.beta(MIX, MIX, len(states))).float()
    other = torch.from_numpy(rng.permutation(len(states)))
    mixed = torch.lerp(states[other], states, share[:, None, None, None])
    return mixed, torch.lerp(labels[other], labels, share[:, None])


def none(states: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Change nothing."""
    return states, labels


AUGMENTATIONS: Final[Mapping[str, Augmentation]] = {
    "none": none,
    "plain": plain,
    "randaugment": randaugment,
    "mixup": mixup,
}
"""Augmentations by name."""


def _still(rows: int) -> Tensor:
    maps = torch.zeros(rows, 2, 3)
    maps[:, 0, 0] = maps[:, 1, 1] = 1.0
    return maps


def _moved(states: Tensor, maps: Tensor) -> Tensor:
    """Move pictures; what comes in from outside repeats the edge."""
    places = F.affine_grid(maps, list(states.shape), align_corners=False)
    return F.grid_sample(states, places, padding_mode="border", align_corners=False)


def _coloured(states: Tensor, choice: np.ndarray[tuple[int, ...], np.dtype[np.int64]], sign: Tensor) -> Tensor:
    factor, mean = 1 + 0.9 * STRENGTH * sign, states.mean((1, 2, 3), keepdim=True)
    grey = states.mean(1, keepdim=True)
    levels = 2 ** round(8 - 4 * STRENGTH)
    edge = 1 - 2 * 0.5 * STRENGTH
    changed = {
        1: (states + 1) * factor - 1,
        2: mean + (states - mean) * factor,
        3: grey + (states - grey) * factor,
        4: ((states + 1) / 2 * (levels - 1)).round() / (levels - 1) * 2 - 1,
        5: torch.where(states > edge, -states, states),
    }
    for number, result in changed.items():
        chosen = torch.from_numpy(choice == number)[:, None, None, None]
        states = torch.where(chosen, result.clamp(-1, 1), states)
    return states


def _bent(
    states: Tensor, choice: np.ndarray[tuple[int, ...], np.dtype[np.int64]], sign: Tensor, rng: np.random.Generator
) -> Tensor:
    maps, turn, signs = _still(len(states)), np.deg2rad(30 * STRENGTH), sign.flatten()
    rotated, sheared, shifted, scaled = (torch.from_numpy(choice == number) for number in (6, 7, 8, 9))
    maps[rotated, 0, 0] = maps[rotated, 1, 1] = float(np.cos(turn))
    maps[rotated, 0, 1] = -float(np.sin(turn)) * signs[rotated]
    maps[rotated, 1, 0] = float(np.sin(turn)) * signs[rotated]
    maps[sheared, 0, 1] = 0.3 * STRENGTH * signs[sheared]
    axis = torch.from_numpy(rng.integers(2, size=len(states)))
    maps[shifted, axis[shifted], 2] = 0.6 * STRENGTH * signs[shifted]
    maps[scaled, 0, 0] = maps[scaled, 1, 1] = 1 + 0.4 * STRENGTH * signs[scaled]
    return _moved(states, maps)


def _erased(
    states: Tensor, choice: np.ndarray[tuple[int, ...], np.dtype[np.int64]], rng: np.random.Generator
) -> Tensor:
    height, width = states.shape[2:]
    states, side = states.clone(), (max(1, int(height * 0.4 * STRENGTH)), max(1, int(width * 0.4 * STRENGTH)))
    for row in np.flatnonzero(choice == 10):
        top, left = rng.integers(height - side[0] + 1), rng.integers(width - side[1] + 1)
        states[row, :, top : top + side[0], left : left + side[1]] = 0
    return states
