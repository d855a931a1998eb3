"""A small convolutional autoencoder: pictures to latents at an eighth of the side, and back.

A variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114) as latent diffusion uses it (Rombach et al.
2022, arXiv:2112.10752). The first halving is a rearrangement of pixels, so that no layer works at full size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from limn.io.configurations import check_range
from limn.networks.convolutions import ConvolutionsConfig, doublings, halvings
from limn.networks.shipped import Configured


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(ConvolutionsConfig):
    """The shape of an autoencoder; every field is bounded.

    Args:
        channels: Channels of the latents.
    """

    channels: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, channels=(1, 256))


class Autoencoder(Configured):
    """Pictures in [-1, 1] to latents of unit variance, and back."""

    shape = AutoencoderConfig
    config: AutoencoderConfig
    mean: Tensor
    std: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__(config)
        self.encoder = halvings(config.widths, config.blocks, 2 * config.channels)
        self.decoder = doublings(config.widths, config.blocks, config.channels)
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))

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
