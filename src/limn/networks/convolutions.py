"""Stacks of residual convolutions: what autoencoders and image towers are put together from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import require

GROUP = 16
"""Channels that a norm takes together."""


@dataclass(frozen=True, kw_only=True)
class ConvolutionsConfig:
    """The layers of an encoder and its decoder; every field is bounded.

    Args:
        widths: Channels of the layers at a half, a quarter, an eighth ... of the side; one halving each.
        blocks: Residual blocks at each size.
    """

    widths: tuple[int, ...] = (64, 128, 192)
    blocks: tuple[int, ...] = (1, 2, 1)

    def __post_init__(self) -> None:
        check_layers(self.widths, self.blocks)

    @property
    def factor(self) -> int:
        """Pixels along one side of a cell."""
        return int(2 ** len(self.widths))


class Residual(nn.Module):
    """Two convolutions, each behind a norm, added to what came in.

    Args:
        width: Channels.
        condition: Width of a vector that scales and shifts what the second norm gives; 0 for none.
    """

    def __init__(self, width: int, condition: int = 0) -> None:
        super().__init__()
        self.norm1, self.conv1 = _norm(width), nn.Conv2d(width, width, 3, padding=1)
        self.norm2, self.conv2 = _norm(width), nn.Conv2d(width, width, 3, padding=1)
        self.tell = nn.Linear(condition, 2 * width) if condition else None
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map (rows, width, h, w) to the same shape, given a condition (rows, condition)."""
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        if self.tell is not None and condition is not None:
            scale, shift = self.tell(condition)[..., None, None].chunk(2, 1)
            h = torch.addcmul(shift, h, 1 + scale)
        change: Tensor = self.conv2(F.silu(h))
        return x + change


def check_layers(widths: Sequence[int], blocks: Sequence[int]) -> None:
    """Refuse widths and blocks that no stack of residual blocks can have.

    Raises:
        InputError: They do not fit each other or are out of bounds.
    """
    require(1 <= len(widths) == len(blocks) <= 6, "widths and blocks must be 1 to 6 numbers each")
    for name, values, most in (("widths", widths, 1024), ("blocks", blocks, 8)):
        sound = all(type(value) is int and 1 <= value <= most for value in values)
        require(sound, f"{name} must be whole numbers from 1 to {most}")
    require(all(width % GROUP == 0 for width in widths), f"widths must be multiples of {GROUP}")


def halvings(widths: Sequence[int], blocks: Sequence[int], channels: int) -> nn.Sequential:
    """Build the way down: pictures (pictures, 3, height, width) to a grid of cells with ``channels`` channels."""
    layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, padding=1)]
    for level, width in enumerate(widths):
        if level:
            layers.append(nn.Conv2d(widths[level - 1], width, 2, stride=2))
        layers += [Residual(width) for _ in range(blocks[level])]
    return nn.Sequential(*layers, _norm(widths[-1]), nn.SiLU(), nn.Conv2d(widths[-1], channels, 1))


def doublings(widths: Sequence[int], blocks: Sequence[int], channels: int) -> nn.Sequential:
    """Build the way up: a grid of cells with ``channels`` channels to pictures (pictures, 3, height, width)."""
    layers: list[nn.Module] = [nn.Conv2d(channels, widths[-1], 3, padding=1)]
    for level in reversed(range(len(widths))):
        layers += [Residual(widths[level]) for _ in range(blocks[level])]
        if level:
            layers += [nn.Conv2d(widths[level], 4 * widths[level - 1], 1), nn.PixelShuffle(2)]
    return nn.Sequential(
        *layers, _norm(widths[0]), nn.SiLU(), nn.Conv2d(widths[0], 12, 3, padding=1), nn.PixelShuffle(2)
    )


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(width // GROUP, width)
