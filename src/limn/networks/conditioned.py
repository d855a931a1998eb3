"""A transformer that also looks at pictures, neighbours and an embedding, each a stream of tokens of its own kind.

After each block the picture tokens attend to the streams' tokens, in a layer whose answer starts at zero (as the
image prompts of Ye et al. 2023, arXiv:2308.06721), so that a network begins as the one it was made from. Among the
keys is one of nothing, with logit and value 0: a weight is a logarithm added to the logits of its tokens, and weight
0 takes them away exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, read_config, require
from limn.kernel.attention import AttentionSite
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.trunk import Beside, attention, modulated

PICTURE: Final = "picture"
"""Tokens of pictures in the prompt, as an encoder of words and pictures reads them."""

NEIGHBOUR: Final = "neighbour"
"""Tokens of retrieved pictures, as the network itself reads them without noise."""

EMBEDDING: Final = "embedding"
"""One vector that stands for the whole picture."""

MERGED: Final = 2
"""Cells along the side of a neighbour's token."""

Streams = Mapping[str, tuple[Tensor, Tensor]]
"""By kind: vectors (rows, tokens, width) and how much each counts, from 0 (not there), (rows, tokens)."""


@dataclass(frozen=True, kw_only=True)
class ConditionedConfig(TransformerConfig):
    """The shape of a transformer with streams; every field is bounded.

    Args:
        picture_width: Width of a picture's tokens.
        embedding_width: Length of the embedding.
        spread: Tokens that the embedding becomes.
        early: Blocks that read neighbours.
    """

    picture_width: int = 128
    embedding_width: int = 128
    spread: int = 4
    early: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, picture_width=(1, 4096), embedding_width=(1, 4096), spread=(1, 64), early=(1, 64))
        require(self.early <= self.depth, "early must be at most depth")
        require(not self.vocabulary and self.side % MERGED == 0, "streams are for pictures with an even side")


class ConditionedTransformer(Transformer):
    """Words, streams and a noisy picture in; the network's answer out."""

    config: ConditionedConfig

    def __init__(self, config: ConditionedConfig) -> None:
        super().__init__(config)
        self.streams = StreamLayers(config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> ConditionedTransformer:
        """Build from the fields of a configuration file; an unknown field or value out of bounds is refused."""
        return cls(read_config(ConditionedConfig, config))

    def forward(self, *args: Any, streams: Streams | None = None, **more: Any) -> Tensor:
        """Answer for every row; see :meth:`limn.networks.transformer.Transformer.forward`.

        Args:
            args: As there.
            streams: By kind; none of a kind that is missing.
            more: As there.
        """
        return super().forward(*args, beside=self.streams.beside(streams) if streams else None, **more)

    def neighbours(self, clean: Tensor) -> Tensor:
        """Read pictures without noise and without words, by the first blocks (Chen et al. 2023, section 3.2).

        Args:
            clean: States (pictures, channels, height, width).

        Returns:
            (pictures, tokens, 4 * width), each of :data:`MERGED` squared cells.
        """
        rows, (high, wide) = len(clean), clean.shape[2:]
        text = clean.new_zeros(rows, 1, self.config.text_width)
        mask = torch.zeros(rows, 1, dtype=torch.bool, device=clean.device)
        condition = self._condition(clean.new_zeros(rows), text, mask)
        x = self.trunk(self._tokens_in(clean, 0, None, None), condition, blocks=self.config.early)
        side = self.config.patch
        grid = F.layer_norm(x, x.shape[-1:]).view(rows, high // side, wide // side, -1).permute(0, 3, 1, 2)
        return F.pixel_unshuffle(grid, MERGED).flatten(2).transpose(1, 2)


class StreamLayers(nn.Module):
    """All that learns: how each kind becomes tokens, and the layers that look at them.

    Embeddings are standardised in each dimension (Zbinden 2022, section 3.1) by statistics that are kept here.
    """

    stats: Tensor

    def __init__(self, config: ConditionedConfig) -> None:
        super().__init__()
        width = config.width
        inputs = {PICTURE: config.picture_width, NEIGHBOUR: MERGED**2 * width, EMBEDDING: config.embedding_width}
        self.enter = nn.ModuleDict(
            {
                kind: nn.Linear(size, width * (config.spread if kind == EMBEDDING else 1))
                for kind, size in inputs.items()
            }
        )
        self.kinds = nn.ParameterDict({kind: nn.Parameter(torch.zeros(width)) for kind in inputs})
        self.pool = nn.Linear(config.embedding_width, width, bias=False)
        self.register_buffer(
            "stats", torch.stack([torch.zeros(config.embedding_width), torch.ones(config.embedding_width)])
        )
        blocks = [_Look(width, config.heads) for _ in range(config.depth)]
        self.blocks = nn.ModuleList(blocks)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=layer.in_features**-0.5)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for silent in (self.pool, *(block.out for block in blocks)):
            nn.init.zeros_(silent.weight)

    def beside(self, streams: Streams) -> Beside:
        """Return what the blocks look at, given vectors and weights by kind."""
        tokens, weights = list[Tensor](), list[Tensor]()
        shift = next(iter(streams.values()))[0].new_zeros(1)
        for kind, (vectors, counts) in streams.items():
            if kind == EMBEDDING:
                vectors = (vectors - self.stats[0]) / self.stats[1]
            x = self.enter[kind](vectors).unflatten(-1, (-1, self.pool.out_features))
            tokens.append((F.layer_norm(x, x.shape[-1:]) + self.kinds[kind]).flatten(1, 2))
            weights.append(counts.repeat_interleave(x.shape[2], 1))
            if kind == EMBEDDING:
                shift = self.pool((vectors * counts.clamp(max=1)[..., None]).sum(1))
        return Beside(self.blocks, torch.cat(tokens, 1), torch.cat(weights, 1), shift)

    @torch.no_grad()
    def measure(self, embeddings: Tensor) -> None:
        """Take the mean and the standard deviation of each dimension from (many, width)."""
        self.stats.copy_(torch.stack([embeddings.mean(0), embeddings.std(0).clamp_min(1e-4)]))


class _Look(nn.Module):
    """Attention from picture tokens to the streams' tokens, added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.table = nn.Parameter(torch.zeros(2, width))
        self.query, self.pair = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.gains = nn.Parameter(torch.ones(2, width // heads))
        self.out = nn.Linear(width, width, bias=False)  # nothing seen adds nothing

    def forward(self, x: Tensor, tokens: Tensor, weights: Tensor) -> Tensor:
        """Map picture tokens (rows, cells, width) to the same shape; see :class:`limn.networks.trunk.Beside`."""
        h = modulated(x, *self.table)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(h), *self.pair(tokens).chunk(2, -1))
        )
        query, key = (
            F.rms_norm(part, part.shape[-1:], gain, 1e-6)
            for part, gain in zip((query, key), self.gains.to(value.dtype), strict=True)
        )
        key, value = (F.pad(part, (0, 0, 0, 1)) for part in (key, value))  # nothing, at logit 0
        logits = F.pad(weights, (0, 1), value=1.0).log()[:, None, None].to(value.dtype)
        site = AttentionSite(layer=0, layers=1, kind="beside", text=None, image=slice(0, None))
        looked = attention(query, key, value, logits, False, (), site)
        answer: Tensor = x + self.out(looked.transpose(1, 2).flatten(2))
        return answer
