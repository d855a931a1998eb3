"""One step of a diffusion to large pictures, given small ones (Saharia et al. 2021; Nichol et al. 2022).

The noisy large picture is rearranged to the size of the small one, so that a step costs about as much as a one-pass
upsampler. The small picture may be noisy too, and the network is told how much: so it does not trust what a model
drew to the pixel (noise conditioning augmentation; Ho et al. 2022, arXiv:2106.15282).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, require
from limn.networks.convolutions import GROUP, Residual
from limn.networks.shipped import Shipped
from limn.networks.transformer import TIME_WIDTH, waves

CONFIG = "diffusion_upsampler.json"
"""The configuration's file in a folder."""


@dataclass(frozen=True, kw_only=True)
class DiffusionUpsamplerConfig:
    """The shape of an upsampling diffusion; every field is bounded.

    Args:
        factor: How many times as long each side becomes.
        widths: Channels at the size of the small picture and at half of it.
        blocks: Residual blocks on the way down, in the middle at half the size, and on the way up.
    """

    factor: int = 4
    widths: tuple[int, int] = (64, 96)
    blocks: tuple[int, int, int] = (2, 3, 2)

    def __post_init__(self) -> None:
        check_range(self, factor=(2, 8))
        sound = len(self.widths) == 2 and all(GROUP <= width <= 512 and width % GROUP == 0 for width in self.widths)
        require(sound, f"widths must be two multiples of {GROUP}, at most 512")
        require(
            len(self.blocks) == 3 and all(1 <= count <= 16 for count in self.blocks), "blocks must be 1 to 16 each"
        )


class DiffusionUpsampler(Shipped):
    """Noisy large pictures and small ones in; clean large ones out, at first bicubic enlargements."""

    shape, file, noun = DiffusionUpsamplerConfig, CONFIG, "upsampling diffusion"
    config: DiffusionUpsamplerConfig

    def __init__(self, config: DiffusionUpsamplerConfig) -> None:
        super().__init__(config)
        (outer, inner), cells = config.widths, 3 * config.factor**2
        condition = 2 * outer
        self.tell = nn.Sequential(nn.Linear(2 * TIME_WIDTH, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.enter = nn.Conv2d(2 * cells + 3, outer, 3, padding=1)
        self.down, self.middle, self.up = (
            nn.ModuleList(Residual(width, condition) for _ in range(count))
            for width, count in zip((outer, inner, outer), config.blocks, strict=True)
        )
        self.halve, self.grow = nn.Conv2d(outer, inner, 2, stride=2), nn.Conv2d(inner, 4 * outer, 1)
        self.leave = nn.Conv2d(outer, cells, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    @property
    def factor(self) -> int:
        """How many times as long each side becomes."""
        return self.config.factor

    def forward(self, x: Tensor, time: Tensor, small: Tensor, blur: Tensor) -> Tensor:
        """Answer with clean pictures.

        Args:
            x: Noisy pictures (rows, 3, factor * height, factor * width).
            time: Their noise level in 0 (clean) to 1 (noise), (rows,).
            small: Small pictures (rows, 3, height, width) in [-1, 1], noise included; even sides.
            blur: Standard deviation of the noise on them, (rows,).

        Returns:
            (rows, 3, factor * height, factor * width), float32.
        """
        factor = self.config.factor
        plain = F.interpolate(small.float(), scale_factor=factor, mode="bicubic", align_corners=False)
        told = F.silu(self.tell(torch.cat([waves(time), waves(blur)], 1)))
        cells = [F.pixel_unshuffle(part, factor).to(x.dtype) for part in (x, plain.to(x.dtype))]
        h = self.enter(torch.cat([*cells, small.to(x.dtype)], 1))
        for block in self.down:
            h = block(h, told)
        inner = self.halve(h)
        for block in self.middle:
            inner = block(inner, told)
        h = h + F.pixel_shuffle(self.grow(inner), 2)
        for block in self.up:
            h = block(h, told)
        return plain + F.pixel_shuffle(self.leave(h), factor).float()
