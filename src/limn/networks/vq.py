"""A convolutional autoencoder whose cells are tokens: each is one of a few hundred learned codes.

Vector quantisation (van den Oord et al. 2017, arXiv:1711.00937) with codes of few dimensions and unit length, so
that a code is found by angle and all of them stay in use (ViT-VQGAN; Yu et al. 2022, arXiv:2110.04627).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range
from limn.networks.convolutions import ConvolutionsConfig, doublings, halvings
from limn.networks.shipped import Configured

_DECAY = 0.98  # of the running usage: a code is judged by about the last 50 batches


@dataclass(frozen=True, kw_only=True)
class VQConfig(ConvolutionsConfig):
    """The shape of a vector-quantised autoencoder; every field is bounded.

    Args:
        codes: How many tokens there are.
        code_width: Dimensions of a code.
    """

    codes: int = 512
    code_width: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, codes=(2, 2**16), code_width=(1, 256))


@dataclass(frozen=True)
class Quantised:
    """What becomes of a picture in training.

    Args:
        picture: Decoded pictures (pictures, 3, height, width).
        ids: Tokens (pictures, h, w).
        features: What the tokens stand for, before they were replaced by codes (pictures, h, w, code_width).
        pull: Mean squared distance that draws codes to features.
        commitment: The same distance, drawing features to codes.
    """

    picture: Tensor
    ids: Tensor
    features: Tensor
    pull: Tensor
    commitment: Tensor


class VQ(Configured):
    """Pictures in [-1, 1] to tokens, and back.

    Args:
        config: The network's shape.
    """

    shape = VQConfig
    config: VQConfig
    usage: Tensor

    def __init__(self, config: VQConfig) -> None:
        super().__init__(config)
        self.encoder = halvings(config.widths, config.blocks, config.code_width)
        self.decoder = doublings(config.widths, config.blocks, config.code_width)
        self.codebook = nn.Parameter(F.normalize(torch.randn(config.codes, config.code_width), dim=1))
        self.register_buffer("usage", torch.zeros(config.codes))

    @property
    def codes(self) -> int:
        """How many tokens there are."""
        return self.config.codes

    @property
    def factor(self) -> int:
        """Pixels along one side of a token."""
        return self.config.factor

    def features(self, image: Tensor) -> Tensor:
        """Return unit vectors (pictures, h, w, code_width), one a cell, for pictures in [-1, 1]."""
        return F.normalize(self.encoder(image).permute(0, 2, 3, 1).float(), dim=-1)

    def nearest(self, features: Tensor) -> Tensor:
        """Return ids (...) of the codes at the smallest angles to features (..., code_width) of any length."""
        return (features.float() @ self._unit().T).argmax(-1)

    def encode(self, image: Tensor) -> Tensor:
        """Turn pictures (pictures, 3, height, width) in [-1, 1] into token ids (pictures, h, w)."""
        return self.nearest(self.features(image))

    def decode(self, ids: Tensor) -> Tensor:
        """Turn token ids (pictures, h, w) into pictures (pictures, 3, height, width), about in [-1, 1]."""
        return self.render(self.vectors(ids))

    def vectors(self, ids: Tensor) -> Tensor:
        """Return the codes that tokens (...) stand for: unit vectors (..., code_width)."""
        return F.embedding(ids, self._unit())

    def render(self, codes: Tensor) -> Tensor:
        """Turn unit vectors (pictures, h, w, code_width) into pictures; for training."""
        scale = math.sqrt(self.config.code_width)  # unit variance in each dimension
        picture: Tensor = self.decoder(codes.permute(0, 3, 1, 2) * scale)
        return picture

    def forward(self, image: Tensor) -> Quantised:
        """Take pictures through their tokens; gradients pass the tokens unchanged (straight through)."""
        features = self.features(image)
        ids = self.nearest(features.detach())
        codes = self.vectors(ids)
        return Quantised(
            picture=self.render(features + (codes - features).detach()),
            ids=ids,
            features=features,
            pull=F.mse_loss(codes, features.detach()),
            commitment=F.mse_loss(features, codes.detach()),
        )

    @torch.no_grad()
    def note(self, ids: Tensor) -> None:
        """Count which tokens a batch used; 1 is an equal share, as a running mean."""
        counts = torch.bincount(ids.flatten(), minlength=self.codes)
        self.usage.lerp_(counts.to(self.usage) * (self.codes / ids.numel()), 1 - _DECAY)

    @torch.no_grad()
    def revive(self, features: Tensor, generator: torch.Generator, least: float = 0.05) -> int:
        """Put codes that are hardly used where features of a batch lie.

        Args:
            features: As :meth:`features` returns them.
            generator: Chooses the features, on the CPU.
            least: Usage below which a code counts as dead; 1 is an equal share.

        Returns:
            How many codes were moved.
        """
        dead = (self.usage < least).nonzero().flatten()
        flat = features.detach().flatten(0, -2)
        chosen = torch.randint(len(flat), (len(dead),), generator=generator)
        self.codebook[dead] = flat[chosen.to(flat.device)].to(self.codebook)
        self.usage[dead] = 1.0
        return len(dead)

    def _unit(self) -> Tensor:
        return F.normalize(self.codebook.float(), dim=1)


def perplexity(ids: Tensor, codes: int) -> float:
    """Return how many tokens are in use, counted by their entropy: from 1 to ``codes``.

    >>> perplexity(torch.tensor([0, 1, 2, 3]), 512)
    4.0
    """
    share = torch.bincount(ids.flatten(), minlength=codes).double() / ids.numel()
    return round(float(torch.special.entr(share).sum().exp()), 6)


def from_autoencoder(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the weights of a continuous autoencoder into those that a VQ of its layers starts from.

    Args:
        tensors: Weights of a :class:`limn.networks.autoencoder.Autoencoder` of VQ's widths and blocks, whose
            channels are VQ's ``code_width``.

    Returns:
        All weights but ``codebook`` and ``usage``: latents of unit variance are what is quantised and decoded.
    """
    start = {name: tensor.clone() for name, tensor in tensors.items() if name not in ("mean", "std")}
    mean, std = tensors["mean"].float(), tensors["std"].float()
    last = max((name for name in start if name.startswith("encoder.")), key=_place).rpartition(".")[0]
    weight, bias = start[f"{last}.weight"].float(), start[f"{last}.bias"].float()
    start[f"{last}.weight"] = weight[: len(mean)] / std[:, None, None, None]
    start[f"{last}.bias"] = (bias[: len(mean)] - mean) / std
    weight = start["decoder.0.weight"].float()
    start["decoder.0.bias"] = start["decoder.0.bias"].float() + weight.sum((2, 3)) @ mean
    start["decoder.0.weight"] = weight * std[None, :, None, None]
    return start


def _place(name: str) -> int:
    return int(name.split(".")[1])
