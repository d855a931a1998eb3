"""A small convolutional autoencoder: pictures to latents at an eighth of the side, and back.

A variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114) as latent diffusion uses it (Rombach et al.
2022, arXiv:2112.10752). The first halving is a rearrangement of pixels, so that no layer works at full size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, read_config, require

__all__ = ["Autoencoder", "AutoencoderConfig", "check_layers", "doublings", "halvings"]


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """The shape of an autoencoder; every field is bounded.

    Args:
        channels: Channels of the latents.
        widths: Channels of the layers at a half, a quarter, an eighth ... of the side; one halving each.
        blocks: Residual blocks at each size.
    """

    channels: int = 16
    widths: tuple[int, ...] = (64, 128, 192)
    blocks: tuple[int, ...] = (1, 2, 1)

    def __post_init__(self) -> None:
        check_range(self, channels=(1, 256))
        check_layers(self.widths, self.blocks)

    @property
    def factor(self) -> int:
        """Pixels along one side of a latent cell."""
        return int(2 ** len(self.widths))


class Autoencoder(nn.Module):
    """Pictures in [-1, 1] to latents of unit variance, and back."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = halvings(config.widths, config.blocks, 2 * config.channels)
        self.decoder = doublings(config.widths, config.blocks, config.channels)
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Autoencoder:
        """Build from the fields of a configuration file; an unknown field or value out of bounds is refused."""
        return cls(read_config(AutoencoderConfig, config))

    @property
    def channels(self) -> int:
        """Channels of the latents."""
        return self.config.channels

    @property
    def factor(self) -> int:
        """Pixels along one side of a latent cell."""
        return self.config.factor

    def posterior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the raw latents, each (pictures, channels, h, w)."""
        mean, log_variance = self.encoder(image).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 4)

    def encode(self, image: Tensor) -> Tensor:
        """Turn pictures (pictures, 3, height, width) in [-1, 1] into latents of unit variance."""
        return (self.posterior(image)[0] - self.mean[:, None, None]) / self.std[:, None, None]

    def decode(self, latents: Tensor) -> Tensor:
        """Turn latents of unit variance into pictures (pictures, 3, height, width), about in [-1, 1]."""
        return self.render(latents * self.std[:, None, None] + self.mean[:, None, None])

    def render(self, raw: Tensor) -> Tensor:
        """Turn raw latents into pictures; for training."""
        picture: Tensor = self.decoder(raw)
        return picture


def check_layers(widths: Sequence[int], blocks: Sequence[int]) -> None:
    """Refuse widths and blocks that no encoder and decoder of this kind can have.

    Raises:
        InputError: They do not fit each other or are out of bounds.
    """
    require(1 <= len(widths) == len(blocks) <= 6, "widths and blocks must be 1 to 6 numbers each")
    for name, values, most in (("widths", widths, 1024), ("blocks", blocks, 8)):
        sound = all(type(value) is int and 1 <= value <= most for value in values)
        require(sound, f"{name} must be whole numbers from 1 to {most}")
    require(all(width % _GROUP == 0 for width in widths), f"widths must be multiples of {_GROUP}")


def halvings(widths: Sequence[int], blocks: Sequence[int], channels: int) -> nn.Sequential:
    """Build the way down: pictures (pictures, 3, height, width) to a grid of cells with ``channels`` channels."""
    layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, padding=1)]
    for level, width in enumerate(widths):
        if level:
            layers.append(nn.Conv2d(widths[level - 1], width, 2, stride=2))
        layers += [_Residual(width) for _ in range(blocks[level])]
    return nn.Sequential(*layers, _Norm(widths[-1]), nn.SiLU(), nn.Conv2d(widths[-1], channels, 1))


def doublings(widths: Sequence[int], blocks: Sequence[int], channels: int) -> nn.Sequential:
    """Build the way up: a grid of cells with ``channels`` channels to pictures (pictures, 3, height, width)."""
    layers: list[nn.Module] = [nn.Conv2d(channels, widths[-1], 3, padding=1)]
    for level in reversed(range(len(widths))):
        layers += [_Residual(widths[level]) for _ in range(blocks[level])]
        if level:
            layers += [nn.Conv2d(widths[level], 4 * widths[level - 1], 1), nn.PixelShuffle(2)]
    return nn.Sequential(
        *layers, _Norm(widths[0]), nn.SiLU(), nn.Conv2d(widths[0], 12, 3, padding=1), nn.PixelShuffle(2)
    )


_GROUP = 16


class _Norm(nn.GroupNorm):
    def __init__(self, width: int) -> None:
        super().__init__(width // _GROUP, width)


class _Residual(nn.Module):
    """Two convolutions, each behind a norm, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = _Norm(width), nn.Conv2d(width, width, 3, padding=1)
        self.norm2, self.conv2 = _Norm(width), nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (pictures, width, h, w) to the same shape."""
        h = self.conv1(F.silu(self.norm1(x)))
        change: Tensor = self.conv2(F.silu(self.norm2(h)))
        return x + change
