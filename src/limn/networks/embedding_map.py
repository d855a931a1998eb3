"""From the words of a caption to the embedding of its picture, at once or as a step of a diffusion.

The map is a residual network of feed-forward layers (Zbinden 2022, section 3.2). With ``noisy`` it is also given a
noisy embedding and its level, and is then the prior of Ramesh et al. 2022, arXiv:2204.06125, section 2.2, which
answers with the clean embedding. Embeddings are standardised in each dimension by statistics that are kept with the
weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range
from limn.networks.shipped import Shipped
from limn.networks.transformer import TIME_WIDTH, waves

CONFIG = "embedding_map.json"
"""The configuration's file in a folder."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingMapConfig:
    """The shape of a map; every field is bounded.

    Args:
        text: Length of the captions' vectors.
        out: Length of the embeddings.
        width: Width of the layers.
        depth: Residual layers.
        noisy: Whether it is a step of a diffusion.
    """

    text: int = 128
    out: int = 128
    width: int = 256
    depth: int = 6
    noisy: bool = False

    def __post_init__(self) -> None:
        check_range(self, text=(1, 4096), out=(1, 4096), width=(8, 4096), depth=(1, 64))


class EmbeddingMap(Shipped):
    """Captions' vectors to embeddings of pictures."""

    shape, file, noun = EmbeddingMapConfig, CONFIG, "map from words to embeddings"
    config: EmbeddingMapConfig
    text_stats: Tensor
    stats: Tensor

    def __init__(self, config: EmbeddingMapConfig) -> None:
        super().__init__(config)
        into = config.text + (config.out + TIME_WIDTH if config.noisy else 0)
        self.enter = nn.Linear(into, config.width)
        self.blocks = nn.ModuleList(_FeedForward(config.width) for _ in range(config.depth))
        self.leave = nn.Linear(config.width, config.out)
        self.register_buffer("text_stats", torch.stack([torch.zeros(config.text), torch.ones(config.text)]))
        self.register_buffer("stats", torch.stack([torch.zeros(config.out), torch.ones(config.out)]))

    def forward(self, text: Tensor, noisy: Tensor | None = None, time: Tensor | None = None) -> Tensor:
        """Answer with standardised clean embeddings.

        Args:
            text: Standardised vectors of captions (rows, text); zeros say nothing.
            noisy: Standardised noisy embeddings (rows, out), for a step of a diffusion.
            time: Their noise level in 0 (clean) to 1 (noise), (rows,).

        Returns:
            (rows, out).
        """
        parts = [text] if noisy is None or time is None else [text, noisy, waves(time)]
        x = self.enter(torch.cat(parts, 1))
        for block in self.blocks:
            x = block(x)
        answer: Tensor = self.leave(F.layer_norm(x, x.shape[-1:]))
        return answer

    def drawn(self, text: Tensor, noise: Tensor, steps: int, scale: float = 1.0) -> Tensor:
        """Walk from noise to embeddings by Euler's method.

        Args:
            text: Standardised vectors of captions (rows, text).
            noise: Where the walk starts (rows, out).
            steps: Evaluations.
            scale: Guidance scale.

        Returns:
            Standardised embeddings (rows, out).
        """
        x = noise
        for k in range(steps):
            sigma = 1 - k / steps
            time = x.new_full((len(x),), sigma)
            clean = self(text, x, time)
            if scale != 1:
                clean = torch.lerp(self(torch.zeros_like(text), x, time), clean, scale)
            x = x + (clean - x) / (sigma * steps)
        return x

    def standard_text(self, vectors: Tensor) -> Tensor:
        """Standardise captions' vectors (rows, text)."""
        return (vectors - self.text_stats[0]) / self.text_stats[1]

    def standard(self, embeddings: Tensor) -> Tensor:
        """Standardise embeddings (rows, out)."""
        return (embeddings - self.stats[0]) / self.stats[1]

    def plain(self, embeddings: Tensor) -> Tensor:
        """Undo :meth:`standard`."""
        return embeddings * self.stats[1] + self.stats[0]

    def measure(self, text: Tensor, embeddings: Tensor) -> None:
        """Take the mean and the standard deviation of each dimension from (many, text) and (many, out)."""
        for kept, values in ((self.text_stats, text), (self.stats, embeddings)):
            kept.copy_(torch.stack([values.mean(0), values.std(0).clamp_min(1e-4)]))


class _FeedForward(nn.Module):
    """A feed-forward layer behind a norm, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (rows, width) to the same shape."""
        change: Tensor = self.down(F.gelu(self.up(F.layer_norm(x, x.shape[-1:]))))
        return x + change
