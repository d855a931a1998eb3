"""The autoencoders of diffusers as codecs: ``AutoencoderKL``, and ``AutoencoderTiny`` (TAESD)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from limn.codecs.latents import Latents


@dataclass(frozen=True, eq=False)
class Vae:
    """An autoencoder for :class:`limn.codecs.latents.Latents`; large pictures are decoded one at a time.

    Args:
        model: ``AutoencoderKL`` or ``AutoencoderTiny`` of diffusers; its weights are laid out anew.
        channels: Channels of the latents.
        factor: Pixels along one side of a latent cell.
        together: Most pixels that are decoded in one pass, which bounds the memory; a single picture may have more.
    """

    model: Any
    channels: int
    factor: int
    together: int = 2**18

    def __post_init__(self) -> None:
        # Convolutions over the channels of one pixel at a time are faster on CPUs and tensor cores.
        self.model.to(memory_format=torch.channels_last)

    @property
    def _weight(self) -> Tensor:
        weight: Tensor = next(self.model.decoder.parameters())  # model.device and .dtype search the whole tree
        return weight

    def encode(self, image: Tensor) -> Tensor:
        """Return the mean latents (pictures, channels, h, w) of pictures."""
        return torch.cat([self._latents(row[None]) for row in image.to(self._weight)]).to(image)

    def _latents(self, image: Tensor) -> Tensor:
        given: Any = self.model.encode(image)
        latents: Tensor = given.latent_dist.mode() if hasattr(given, "latent_dist") else given.latents
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Return the pictures (pictures, 3, height, width) of latents."""
        rows = latents.to(self._weight)
        pixels = rows.shape[2] * rows.shape[3] * self.factor**2
        parts = torch.split(rows, max(1, self.together // pixels))
        return torch.cat([self.model.decode(part, return_dict=False)[0] for part in parts]).to(latents)


def codec(model: Any, fields: Mapping[str, Any]) -> Latents:
    """Return the codec of an autoencoder.

    Args:
        model: The autoencoder, filled.
        fields: Its checked configuration.
    """
    channels, factor = fields["latent_channels"], factor_of(fields)
    scaling = fields.get("scaling_factor", getattr(model.config, "scaling_factor", 1.0))
    means, stds = fields.get("latents_mean"), fields.get("latents_std")
    if means and stds:  # diffusers takes both or none
        return Latents(Vae(model, channels, factor), mean=tuple(means), std=tuple(std / scaling for std in stds))
    shift = fields.get("shift_factor") or 0.0
    return Latents(Vae(model, channels, factor), mean=(shift,), std=(1 / scaling,))


def factor_of(fields: Mapping[str, Any]) -> int:
    """Return how many pixels there are along one side of a latent cell."""
    tiny = "block_out_channels" not in fields or "decoder_block_out_channels" in fields
    widths = fields.get("decoder_block_out_channels", (64,) * 4) if tiny else fields["block_out_channels"]
    return int(2 ** (len(widths) - 1))
