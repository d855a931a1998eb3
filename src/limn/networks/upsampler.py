"""A small upsampler: a picture to one a few times as large, as what to add to its bicubic enlargement.

Convolutions at the size of the input and one rearrangement to pixels at the end, without norms (Shi et al. 2016,
arXiv:1609.05158; Lim et al. 2017, arXiv:1707.02921). Without norms an answer depends on nothing further away than
:attr:`UpsamplerConfig.reach`, so that pictures of any size can be enlarged in parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range
from limn.networks.shipped import Shipped

CONFIG = "upsampler.json"
"""The configuration's file in a folder; its name keeps upsamplers apart from models that draw."""


@dataclass(frozen=True, kw_only=True)
class UpsamplerConfig:
    """The shape of an upsampler; every field is bounded.

    Args:
        factor: How many times as long each side becomes.
        width: Channels of the layers.
        blocks: Residual blocks of two convolutions each.
    """

    factor: int = 4
    width: int = 48
    blocks: int = 6

    def __post_init__(self) -> None:
        check_range(self, factor=(2, 8), width=(1, 512), blocks=(1, 64))

    @property
    def reach(self) -> int:
        """How far away, in pixels of the input, something can change an answer."""
        return 2 * self.blocks + 2


class Upsampler(Shipped):
    """Pictures in [-1, 1] to larger ones; until it is trained, to their bicubic enlargement."""

    shape, file, noun = UpsamplerConfig, CONFIG, "upsampler"
    config: UpsamplerConfig

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__(config)
        self.first = nn.Conv2d(3, config.width, 3, padding=1)
        self.blocks = nn.ModuleList(_Residual(config.width) for _ in range(config.blocks))
        self.last = nn.Conv2d(config.width, 3 * config.factor**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    @property
    def factor(self) -> int:
        """How many times as long each side becomes."""
        return self.config.factor

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge pictures.

        Args:
            x: Pictures (n, 3, height, width) in [-1, 1], of any height and width.

        Returns:
            Pictures (n, 3, factor * height, factor * width), about in [-1, 1], float32.
        """
        features = self.first(x)
        for block in self.blocks:
            features = block(features)
        detail = F.pixel_shuffle(self.last(features), self.factor).float()
        plain = F.interpolate(x.float(), scale_factor=self.factor, mode="bicubic", align_corners=False)
        return plain + detail


class _Residual(nn.Module):
    """Two convolutions added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, width, h, w) to the same shape."""
        change: Tensor = self.conv2(F.relu(self.conv1(x)))
        return x + change
