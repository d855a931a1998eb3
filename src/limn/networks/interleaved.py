"""An encoder of words and pictures in any order, as S-MAGMA's at a small size (Weinbach et al. 2022, section 2).

A text encoder that was trained before keeps its matrices. What learns are a prefix, which turns what an image
encoder sees into tokens among the words, bottleneck adapters after each block that begin near identity (Eichenberg
et al. 2022, arXiv:2112.05253), and, for the sake of meaning, all biases (Ben Zaken et al. 2022, arXiv:2106.10199).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, require
from limn.kernel.attention import AttentionSite
from limn.networks.shipped import Shipped
from limn.networks.transformer import padding
from limn.networks.trunk import Block

CONFIG = "interleaved.json"
"""The configuration's file in a folder."""

CELLS: Final = 16
"""Tokens that a picture becomes."""


@dataclass(frozen=True, kw_only=True)
class InterleavedConfig:
    """The shape of an encoder of words and pictures; every field is bounded.

    Args:
        picture_width: Channels of what the image encoder sees.
        text_width: Width of the words' vectors.
        text_limit: Most tokens of a row that have a place of their own; later ones have the last.
        width: Width of a token, a multiple of 4 times ``heads``.
        depth: Layers.
        heads: Attention heads.
        adapter: Width of the adapters.
        out: Length of the vector that stands for the whole.
    """

    picture_width: int = 128
    text_width: int = 128
    text_limit: int = 48
    width: int = 128
    depth: int = 2
    heads: int = 4
    adapter: int = 32
    out: int = 128

    def __post_init__(self) -> None:
        check_range(self, picture_width=(1, 4096), text_width=(1, 4096), text_limit=(1, 1024), width=(8, 4096))
        check_range(self, depth=(1, 16), heads=(1, 64), adapter=(1, 4096), out=(1, 4096))
        require(self.width % (4 * self.heads) == 0, "width must be a multiple of 4 times heads")


class Interleaved(Shipped):
    """Rows of words and pictures to a state for each token, and to one vector."""

    shape, file, noun = InterleavedConfig, CONFIG, "encoder of words and pictures"
    config: InterleavedConfig

    def __init__(self, config: InterleavedConfig) -> None:
        super().__init__(config)
        width = config.width
        self.enter = nn.Linear(config.text_width, width)
        self.places = nn.Parameter(torch.zeros(config.text_limit, width))
        self.blocks = nn.ModuleList(Block(width, config.heads, 2) for _ in range(config.depth))
        self.out = nn.Linear(width, config.out)
        self.prefix = nn.Linear(config.picture_width, width)
        self.cells = nn.Parameter(torch.zeros(CELLS, width))
        self.adapters = nn.ModuleList(_Adapter(width, config.adapter) for _ in range(config.depth))

    def words(self, vectors: Tensor) -> Tensor:
        """Return words' vectors (..., text_width) as tokens."""
        tokens: Tensor = self.enter(vectors)
        return tokens

    def picture(self, features: Tensor) -> Tensor:
        """Return what an image encoder sees of pictures, (pictures, CELLS, picture_width), as tokens."""
        x = self.prefix(features)
        return F.layer_norm(x, x.shape[-1:]) + self.cells

    def forward(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """Read rows of tokens.

        Args:
            tokens: From :meth:`words` and :meth:`picture`, in the prompt's order, (rows, tokens, width).
            weights: How much each counts, from 0 (not there), (rows, tokens); or a mask.

        Returns:
            States (rows, tokens, width).
        """
        count = tokens.shape[1]
        place = torch.arange(count, device=tokens.device).clamp(max=len(self.places) - 1)
        x = (tokens + self.places[place]) * (weights > 0)[..., None].to(tokens.dtype)
        hidden, still = padding(weights, count, x.dtype), x.new_zeros(1, 6, x.shape[2])
        for layer, (block, adapter) in enumerate(zip(self.blocks, self.adapters, strict=True)):
            site = AttentionSite(
                layer=layer, layers=len(self.blocks), kind="self", text=slice(0, None), image=slice(0, 0)
            )
            x = adapter(block(x, still, hidden, False, (), site, None))
        return x

    def pooled(self, states: Tensor, weights: Tensor) -> Tensor:
        """Return unit vectors (rows, out), float32: the weighted mean of states, as for search."""
        shares = weights.to(states.dtype)[..., None]
        mean = (states * shares).sum(1) / shares.sum(1).clamp_min(1e-6)
        return F.normalize(self.out(F.layer_norm(mean, mean.shape[-1:])).float(), dim=-1)


class _Adapter(nn.Module):
    """A bottleneck beside the identity, which it nearly is at first."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, inner), nn.Linear(inner, width)
        for layer in (self.down, self.up):
            nn.init.trunc_normal_(layer.weight, std=1e-3, a=-2e-3, b=2e-3)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to the same shape."""
        change: Tensor = self.up(F.relu(self.down(x)))
        return x + change
