"""Autoencoders of diffusers for :class:`limn.codecs.latents.Latents`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Coder:
    """An ``AutoencoderKL``; large pictures are decoded one at a time.

    Args:
        model: The autoencoder.
        channels: Channels of the latents.
        factor: Pixels along one side of a latent cell.
        together: Most pixels that are decoded in one pass, which bounds the memory; a single picture may have more.
    """

    model: Any
    channels: int
    factor: int
    together: int = 2**18

    def encode(self, image: Tensor) -> Tensor:
        """Return the mean latents (pictures, channels, h, w) of pictures."""
        weight = next(self.model.parameters())
        return torch.cat([self._latents(row[None]) for row in image.to(weight)]).to(image)

    def decode(self, latents: Tensor) -> Tensor:
        """Return the pictures (pictures, 3, height, width) of latents."""
        rows = latents.to(next(self.model.parameters()))
        pixels = rows.shape[2] * rows.shape[3] * self.factor**2
        parts = torch.split(rows, max(1, self.together // pixels))
        return torch.cat([self._pixels(part) for part in parts]).to(latents)

    def _latents(self, image: Tensor) -> Tensor:
        mean: Tensor = self.model.encode(image).latent_dist.mode()
        return mean

    def _pixels(self, latents: Tensor) -> Tensor:
        pixels: Tensor = self.model.decode(latents, return_dict=False)[0]
        return pixels


class DeepCoder(Coder):
    """An ``AutoencoderDC``, whose latents are no distribution."""

    def _latents(self, image: Tensor) -> Tensor:
        latents: Tensor = self.model.encode(image).latent
        return latents


class FrameCoder(Coder):
    """An autoencoder of films that is given films of one frame."""

    def _latents(self, image: Tensor) -> Tensor:
        return super()._latents(image[:, :, None])[:, :, 0]

    def _pixels(self, latents: Tensor) -> Tensor:
        return super()._pixels(latents[:, :, None])[:, :, 0]


class PatchCoder(Coder):
    """An autoencoder whose latents are cut into patches of 2 x 2, whose ``channels`` and ``factor`` are given."""

    def _latents(self, image: Tensor) -> Tensor:
        return F.pixel_unshuffle(super()._latents(image), 2)

    def _pixels(self, latents: Tensor) -> Tensor:
        return super()._pixels(F.pixel_shuffle(latents, 2))
