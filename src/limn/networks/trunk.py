"""The blocks of the transformer, which know nothing of what their tokens stand for.

Adaptive norm as in DiT (Peebles and Xie 2023, arXiv:2212.09748), with one modulation network shared by all blocks
and a learned table for each (PixArt-alpha, arXiv:2310.00426); queries and keys are normed (arXiv:2302.05442).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.kernel.attention import AttentionEdit, AttentionSite, attend


@dataclass
class Cache:
    """Keys and values of the tokens already seen, one pair a layer; for causal models.

    Args:
        layers: (keys, values), each (rows, heads, tokens, width), in the order of the layers.
    """

    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Tokens already seen."""
        return self.layers[0][0].shape[2] if self.layers else 0

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append keys and values at a layer and return all of them."""
        if layer == len(self.layers):
            self.layers.append((key, value))
        else:
            old = self.layers[layer]
            self.layers[layer] = (torch.cat([old[0], key], 2), torch.cat([old[1], value], 2))
        return self.layers[layer]


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each behind a modulated norm and a gate."""

    def __init__(self, width: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.heads = heads
        self.table = nn.Parameter(torch.zeros(6, width))
        self.qkv = nn.Linear(width, 3 * width)
        self.gains = nn.Parameter(torch.ones(2, width // heads))
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, expansion * width)
        self.down = nn.Linear(expansion * width, width)

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        mask: Tensor | None,
        causal: bool,
        edits: Sequence[AttentionEdit | None],
        site: AttentionSite,
        cache: Cache | None,
    ) -> Tensor:
        """Map (rows, tokens, width) to the same shape; ``modulation`` is (rows, 6, width)."""
        shift1, scale1, gate1, shift2, scale2, gate2 = (modulation + self.table).unsqueeze(2).unbind(1)
        rows, tokens, width = x.shape
        h = modulated(x, shift1, scale1)
        query, key, value = self.qkv(h).view(rows, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key = (
            F.rms_norm(part, part.shape[-1:], gain, 1e-6)
            for part, gain in zip((query, key), self.gains.to(value.dtype), strict=True)
        )
        if cache is not None:
            key, value = cache.extend(site.layer, key, value)
        h = attention(query, key, value, mask, causal, edits, site)
        x = torch.addcmul(x, gate1, self.out(h.transpose(1, 2).reshape(rows, tokens, width)))
        h = F.gelu(self.up(modulated(x, shift2, scale2)))
        return torch.addcmul(x, gate2, self.down(h))


class Beside(NamedTuple):
    """What picture tokens look at besides, after each block (:mod:`limn.networks.conditioned`).

    Args:
        layers: One layer for each block, called with picture tokens, ``tokens`` and ``weights``.
        tokens: (rows, keys, width).
        weights: How much each counts, from 0, (rows, keys).
        shift: Added to what modulates the norms, (rows, width).
    """

    layers: nn.ModuleList
    tokens: Tensor
    weights: Tensor
    shift: Tensor


class Trunk(nn.Module):
    """The blocks, which know nothing of what their tokens stand for."""

    def __init__(self, width: int, depth: int, heads: int, expansion: int = 4, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(width, heads, expansion) for _ in range(depth))

    def forward(
        self,
        x: Tensor,
        condition: Tensor,
        mask: Tensor | None = None,
        *,
        text: int = 0,
        edits: Sequence[AttentionEdit | None] = (),
        sigma: Tensor | None = None,
        grid: tuple[int, int] | None = None,
        cache: Cache | None = None,
        beside: Beside | None = None,
        blocks: int | None = None,
    ) -> Tensor:
        """Run the blocks.

        Args:
            x: Tokens (rows, tokens, width).
            condition: What modulates the norms, (rows, width).
            mask: Additive logits that broadcast to (rows, heads, queries, keys).
            text: How many of the leading keys are text.
            edits: One attention edit or ``None`` a row.
            sigma: Noise level over signal level (rows,), for the edits.
            grid: Rows and columns of the picture tokens, for the edits.
            cache: Keys and values of earlier tokens, extended in place.
            beside: What picture tokens look at besides.
            blocks: How many of the blocks are run; all if None.

        Returns:
            (rows, tokens, width).
        """
        modulation = self.modulation(F.silu(condition)).unflatten(-1, (6, -1))
        image = slice(text, None) if cache is None or not cache.length else slice(0, None)
        words = slice(0, text) if text else None
        for layer, block in enumerate(self.blocks[:blocks]):
            site = AttentionSite(
                layer=layer, layers=len(self.blocks), kind="joint", text=words, image=image, sigma=sigma, grid=grid
            )
            after = block(x, modulation, mask, self.causal, edits, site, cache)
            skip = [edit is not None and edit.skips(site) for edit in edits]
            x = torch.where(torch.tensor(skip, device=x.device)[:, None, None], x, after) if any(skip) else after
            if beside is not None:
                looked = beside.layers[layer](x[:, text:], beside.tokens, beside.weights)
                x = torch.cat([x[:, :text], looked], 1)
        return x


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Norm the last axis, then scale and shift it."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), 1 + scale)


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    causal: bool,
    edits: Sequence[AttentionEdit | None],
    site: AttentionSite,
) -> Tensor:
    """Attend as :func:`limn.kernel.attention.attend` does, by what is fastest."""
    # Gradients of short sequences: the CPU's fused kernel takes four times as long as two plain products.
    if query.requires_grad and query.device.type == "cpu" and not edits and not causal and mask is not None:
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        return torch.softmax(logits + mask.to(logits.dtype), -1) @ value
    mask = None if mask is None else mask.to(query.dtype)
    return attend(query, key, value, mask=mask, causal=causal, edits=edits, site=site)
