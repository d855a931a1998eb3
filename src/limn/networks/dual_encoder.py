"""A dual encoder: pictures and texts as unit vectors of one space, near each other where they fit.

Contrastive image-text learning as in CLIP (Radford et al. 2021, arXiv:2103.00020). With ``noisy`` the image tower
also reads pictures at any noise level, told which, so that its gradient can guide from the first step on (GLIDE's
noised CLIP: Nichol et al. 2022, arXiv:2112.10741). The image tower is smooth everywhere, for the gradient's sake.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, require
from limn.kernel.attention import AttentionSite
from limn.kernel.errors import WeightsError
from limn.networks.convolutions import GROUP, Residual, check_layers
from limn.networks.shipped import Shipped
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import TIME_WIDTH, padding, waves
from limn.networks.trunk import Block
from limn.networks.weights import initial

CONFIG = "dual_encoder.json"
"""The configuration's file in a folder; its name keeps judges apart from models that draw."""

_MOST_SCALE = math.log(100)


@dataclass(frozen=True, kw_only=True)
class DualEncoderConfig:
    """The shape of a dual encoder; every field is bounded.

    Args:
        size: Side of the pictures it was trained on; others are read too, from 8 cells on.
        channels: Channels of the state: 3 for pictures, more for latents.
        patch: Pixels along the side of what the first layer takes together.
        widths: Channels of the image tower, one halving of the side between each two.
        blocks: Residual blocks at each width.
        cells: Side of the grid that the picture is averaged to before places are forgotten.
        noisy: Whether the image tower is told a noise level.
        text_width: Width of the text vectors that come in.
        text_limit: Most text tokens a row may have.
        width: Width of the text tower, a multiple of 4 times ``heads``.
        depth: Its layers.
        heads: Its attention heads.
        near: Words that are seen side by side before the first layer, an odd number; 0 for none.
        out: Length of the vectors that come out.
    """

    size: int = 64
    channels: int = 3
    patch: int = 4
    widths: tuple[int, ...] = (64, 96, 128)
    blocks: tuple[int, ...] = (1, 1, 1)
    cells: int = 4
    noisy: bool = False
    text_width: int = 128
    text_limit: int = 48
    width: int = 128
    depth: int = 2
    heads: int = 4
    near: int = 0
    out: int = 128

    def __post_init__(self) -> None:
        check_range(self, size=(4, 1024), channels=(1, 256), patch=(1, 16), cells=(1, 16), out=(1, 4096))
        check_range(self, text_width=(1, 4096), text_limit=(1, 1024), width=(8, 4096), depth=(1, 16), heads=(1, 64))
        check_range(self, near=(0, 9))
        require(self.near % 2 == 1 or not self.near, "near must be odd, or 0")
        require(self.width % (4 * self.heads) == 0, "width must be a multiple of 4 times heads")
        check_layers(self.widths, self.blocks)


class DualEncoder(Shipped):
    """Pictures and texts to unit vectors; similarity is their product."""

    shape, file, noun = DualEncoderConfig, CONFIG, "judge"
    config: DualEncoderConfig

    def __init__(self, config: DualEncoderConfig) -> None:
        super().__init__(config)
        self.image = ImageTower(config)
        self.text = _TextTower(config)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def scale(self) -> Tensor:
        """What similarities are multiplied by to be logits, at most 100."""
        return self.log_scale.clamp(max=_MOST_SCALE).exp()

    def images(self, x: Tensor, time: Tensor | None = None) -> Tensor:
        """Place pictures in the space.

        Args:
            x: States (rows, channels, height, width), clean ones in [-1, 1].
            time: Noise level in 0 (clean) to 1 (noise), (rows,), for a noisy encoder; 0 if None. The other kind
                takes none.

        Returns:
            Unit vectors (rows, out), float32.

        Raises:
            WeightsError: A time for an encoder that was not trained on noise.
        """
        if time is not None and not self.config.noisy:
            raise WeightsError("this dual encoder reads clean pictures only; use one trained with noisy = true")
        return F.normalize(self.image(x, time).float(), dim=-1)

    def cells(self, x: Tensor) -> Tensor:
        """Return what the image tower sees of clean states at its coarsest size, normed: (rows, cells, width)."""
        seen = self.image.features(x)[-1].flatten(2).transpose(1, 2).float()
        return F.layer_norm(seen, seen.shape[-1:])

    def texts(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Place texts in the space.

        Args:
            tokens: Text vectors (rows, words, text_width); what is past ``text_limit`` is not read.
            mask: Which words are real (rows, words), at least one a row.

        Returns:
            Unit vectors (rows, out), float32.
        """
        limit = self.config.text_limit
        return F.normalize(self.text(tokens[:, :limit], mask[:, :limit]).float(), dim=-1)

    def read(self, words: TokenVectors, texts: Sequence[str]) -> Tensor:
        """Place texts, given as they are, in the space: unit vectors (texts, out), float32."""
        vectors, mask = words(texts, limit=self.config.text_limit)
        device = self.log_scale.device
        return self.texts((vectors * mask[..., None]).to(device), mask.to(device))


class ImageTower(nn.Module):
    """Convolutions at falling sizes, a small grid of what is where, one vector."""

    def __init__(self, config: DualEncoderConfig) -> None:
        super().__init__()
        widths = config.widths
        self.patch, self.cells = config.patch, config.cells
        self.time = nn.Linear(TIME_WIDTH, widths[-1]) if config.noisy else None
        condition = widths[-1] if config.noisy else 0
        before = (config.channels * config.patch**2, *widths)
        self.enter = nn.ModuleList(
            nn.Conv2d(before[k], width, 2 if k else 3, stride=2 if k else 1, padding=0 if k else 1)
            for k, width in enumerate(widths)
        )
        self.levels = nn.ModuleList(
            nn.ModuleList(Residual(width, condition) for _ in range(count))
            for width, count in zip(widths, config.blocks, strict=True)
        )
        self.norm = nn.GroupNorm(widths[-1] // GROUP, widths[-1])
        self.narrow = nn.Conv2d(widths[-1], 64, 1)
        self.out = nn.Linear(64 * config.cells**2, config.out)

    def forward(self, x: Tensor, time: Tensor | None) -> Tensor:
        """Map states (rows, channels, height, width) to (rows, out)."""
        *_, h = self.features(x, time)
        h = self.narrow(F.silu(self.norm(h)))
        if h.shape[-2:] != (self.cells, self.cells):
            h = F.adaptive_avg_pool2d(h, self.cells)
        answer: Tensor = self.out(h.flatten(1))
        return answer

    def features(self, x: Tensor, time: Tensor | None = None) -> list[Tensor]:
        """Return what is seen at each size, fine to coarse: (rows, width, height, width) of falling sizes."""
        condition = None
        if self.time is not None:
            condition = F.silu(self.time(waves(x.new_zeros(len(x)) if time is None else time)))
        h, features = F.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last), []
        for enter, blocks in zip(self.enter, self.levels, strict=True):
            h = enter(h)
            for block in blocks:  # type: ignore[attr-defined]
                h = block(h, condition)
            features.append(h)
        return features


def _places(count: int, width: int) -> Tensor:
    """Sines and cosines of a word's place, (count, width): where learning the places starts."""
    rates = torch.exp(torch.linspace(0, -math.log(100), width // 2))
    angles = torch.arange(count)[:, None] * rates
    return 0.5 * torch.cat([angles.sin(), angles.cos()], 1)


class _TextTower(nn.Module):
    """A small transformer over token vectors; the mean of the words that are there, one vector."""

    def __init__(self, config: DualEncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = nn.Linear(config.text_width, width)
        self.near = nn.Conv1d(width, width, config.near, padding="same") if config.near else None
        self.places = nn.Parameter(initial([config.text_limit, width], lambda: _places(config.text_limit, width)))
        self.blocks = nn.ModuleList(Block(width, config.heads, 2) for _ in range(config.depth))
        self.out = nn.Linear(width, config.out)
        for block in self.blocks:  # order counts from the first step on: no gate starts closed
            nn.init.ones_(block.table[2::3])  # type: ignore[index]

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Map (rows, words, text_width) to (rows, out)."""
        real = mask[..., None].to(tokens.dtype)
        x = (self.enter(tokens) + self.places[: tokens.shape[1]]) * real
        if self.near is not None:
            x = x + F.gelu(self.near(x.transpose(1, 2))).transpose(1, 2)
        hidden, still = padding(mask, x.shape[1], x.dtype), x.new_zeros(1, 6, x.shape[2])
        for layer, block in enumerate(self.blocks):
            site = AttentionSite(
                layer=layer, layers=len(self.blocks), kind="self", text=slice(0, None), image=slice(0, 0)
            )
            x = block(x, still, hidden, False, (), site, None)
        answer: Tensor = self.out(F.layer_norm((x * real).sum(1) / real.sum(1).clamp_min(1), x.shape[-1:]))
        return answer
