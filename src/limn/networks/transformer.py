"""The one transformer: a sequence of text and picture tokens, pre-normed, modulated by the noise level.

A picture (or latent) is cut into patches, a token model looks its tokens up in a table; between the two ends the
trunk (:mod:`limn.networks.trunk`) is the same. Text tokens stand before the picture tokens in one sequence, so every
layer reads the words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, read_config, require
from limn.kernel.attention import AttentionEdit
from limn.networks.trunk import Beside, Cache, Trunk, modulated
from limn.networks.weights import initial


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """The shape of a transformer; every field is bounded, so that a hostile file is refused before allocation.

    Args:
        width: Width of a token; a multiple of ``heads``.
        depth: Number of blocks.
        heads: Attention heads.
        channels: Channels of the state (pictures and latents).
        grid: Side of the state in cells; for token models the side of the token square.
        patch: Cells along the side of a picture token.
        given: Further channels of the state's size that are read beside it, for painting into pictures.
        vocabulary: Number of token ids; 0 for a picture model.
        text_width: Width of the text vectors.
        text_limit: Most text tokens a row may have.
        causal: Whether a token sees only the words and the tokens before it; words see all words.
        expansion: Width of the feed-forward layer over ``width``.
    """

    width: int = 256
    depth: int = 8
    heads: int = 4
    channels: int = 16
    grid: int = 8
    patch: int = 1
    given: int = 0
    vocabulary: int = 0
    text_width: int = 256
    text_limit: int = 48
    causal: bool = False
    expansion: int = 4

    def __post_init__(self) -> None:
        check_range(self, width=(8, 4096), depth=(1, 64), heads=(1, 64), channels=(1, 512), grid=(1, 128))
        check_range(self, patch=(1, 16), vocabulary=(0, 2**17), text_width=(1, 4096), text_limit=(0, 1024))
        check_range(self, expansion=(1, 8), given=(0, 1024))
        require(self.width % (4 * self.heads) == 0, "width must be a multiple of 4 times heads")
        require(self.grid % self.patch == 0, "grid must be a multiple of patch")
        require(self.width**2 * self.depth <= 2**31, "width and depth ask for more than 25 billion weights")

    @property
    def side(self) -> int:
        """Picture tokens along one side."""
        return self.grid // self.patch


class Transformer(nn.Module):
    """Text and a noisy picture (or tokens) in; the network's answer (or logits) out."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.trunk = Trunk(width, config.depth, config.heads, config.expansion)
        self.text_in = nn.Linear(config.text_width, width)
        self.text_pool = nn.Linear(config.text_width, width)
        self.text_places = nn.Parameter(torch.zeros(config.text_limit, width))
        self.places = nn.Parameter(initial([config.side, config.side, width], lambda: places(config.side, width)))
        self.time_in = nn.Sequential(nn.Linear(TIME_WIDTH, width), nn.SiLU(), nn.Linear(width, width))
        cells = config.channels * config.patch**2
        self.embed = nn.Embedding(config.vocabulary, width) if config.vocabulary else nn.Linear(cells, width)
        self.given_in = nn.Linear(config.given * config.patch**2, width, bias=False) if config.given else None
        self.head_table = nn.Parameter(torch.zeros(2, width))
        self.head_modulation = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, config.vocabulary or cells)
        self._initialise()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Transformer:
        """Build from the fields of a configuration file; an unknown field or value out of bounds is refused."""
        return cls(read_config(TransformerConfig, config))

    def forward(
        self,
        state: Tensor,
        time: Tensor | None,
        text: Tensor,
        text_mask: Tensor,
        *,
        edits: Sequence[AttentionEdit | None] = (),
        sigma: Tensor | None = None,
        cache: Cache | None = None,
        lines: Tensor | None = None,
        given: Tensor | None = None,
        beside: Beside | None = None,
    ) -> Tensor:
        """Answer for every row.

        Args:
            state: Picture or latent (rows, channels, height, width), or token ids (rows, tokens).
            time: Noise level in 0 (clean) to 1 (noise), (rows,); ``None`` for models without one.
            text: Text vectors (rows, words, text_width); ignored once ``cache`` holds the text.
            text_mask: Which words are real (rows, words), or how much each counts, from 0 (not there); a row
                without any is unconditional.
            edits: One attention edit or ``None`` a row.
            sigma: Noise level over signal level (rows,), handed to the edits.
            cache: Earlier tokens of a causal model, extended in place.
            lines: Which lines of the grid of patches a picture ``state`` holds; the first ones if None.
            given: What is read beside a picture ``state`` (rows, given, height, width); nothing if None.
            beside: What picture tokens look at besides.

        Returns:
            The same shape as a picture ``state``, or logits (rows, tokens, vocabulary).
        """
        words, seen = text.shape[1], cache.length if cache is not None else 0
        condition = self._condition(time, text, text_mask)
        condition = condition if beside is None else condition + beside.shift
        x = self._tokens_in(state, max(seen - words, 0), lines, given)
        if not seen:
            x = self._after_words(text, x)
        look = _behind if self.config.causal else padding
        mask = look(text_mask, seen + x.shape[1], x.dtype)[:, :, -x.shape[1] :]
        grid = self._grid(state)
        x = self.trunk(
            x, condition, mask, text=words, edits=edits, sigma=sigma, grid=grid, cache=cache, beside=beside
        )
        x = x if seen else x[:, words:]
        shift, scale = (self.head_modulation(F.silu(condition)).unflatten(-1, (2, -1)) + self.head_table).unbind(1)
        return self._tokens_out(self.head(modulated(x, shift.unsqueeze(1), scale.unsqueeze(1))), state)

    def _condition(self, time: Tensor | None, text: Tensor, text_mask: Tensor) -> Tensor:
        """Return what modulates the norms, (rows, width)."""
        real = text_mask.unsqueeze(-1).to(text.dtype)
        pooled = (text * real.clamp(max=1)).sum(1) / (real > 0).to(text.dtype).sum(1).clamp_min(1)
        condition: Tensor = self.text_pool(pooled)
        return condition if time is None else condition + self.time_in(waves(time))

    def _after_words(self, text: Tensor, x: Tensor) -> Tensor:
        return torch.cat([self.text_in(text) + self.text_places[: text.shape[1]], x], 1)

    def flops(self, rows: int, words: int, tokens: int, *, seen: int = 0, timed: bool = False) -> int:
        """Return the floating-point operations of the matrix products of one forward, two for each multiplication.

        Args:
            rows: Rows answered.
            words: Text vectors a row.
            tokens: Picture tokens a row that are read now.
            seen: Tokens that a cache holds, words among them.
            timed: Whether the noise level is given.
        """
        config, width = self.config, self.config.width
        queries = tokens if seen else words + tokens
        cells = config.channels * config.patch**2
        each = (4 + 2 * config.expansion) * width + 2 * (seen + queries)  # projections; logits and sums over keys
        work = config.depth * queries * width * each
        work += config.text_width * width * (1 if seen else 1 + words)  # pooled, and each word
        work += 8 * width**2  # modulation of the blocks and of the head
        work += (TIME_WIDTH + width) * width if timed else 0
        work += tokens * width * (config.vocabulary or 2 * cells + config.given * config.patch**2)
        return 2 * rows * work

    def _grid(self, state: Tensor) -> tuple[int, int] | None:
        if not self.config.vocabulary:
            return state.shape[2] // self.config.patch, state.shape[3] // self.config.patch
        whole = state.shape[1] == self.config.side**2 and not self.config.causal
        return (self.config.side, self.config.side) if whole else None

    def _tokens_in(self, state: Tensor, offset: int, lines: Tensor | None, given: Tensor | None) -> Tensor:
        if self.config.vocabulary:
            places = self.places.flatten(0, 1)[offset : offset + state.shape[1]]
            tokens: Tensor = self.embed(state) + places
            return tokens
        x = self.embed(self._patches(state))
        if self.given_in is not None and given is not None:
            x = x + self.given_in(self._patches(given))
        places = self._places(*x.shape[1:3]) if lines is None else self.places[lines, : x.shape[2]]
        return torch.flatten(x + places, 1, 2)

    def _places(self, high: int, wide: int) -> Tensor:
        """Return the places of a picture: the first ones, or all of them scaled where it is larger than the grid."""
        if max(high, wide) <= self.config.side:
            return self.places[:high, :wide]
        square = self.places.permute(2, 0, 1)[None]
        return F.interpolate(square, (high, wide), mode="bilinear", align_corners=True)[0].permute(1, 2, 0)

    def _patches(self, state: Tensor) -> Tensor:
        return F.pixel_unshuffle(state, self.config.patch).permute(0, 2, 3, 1)

    def _tokens_out(self, x: Tensor, state: Tensor) -> Tensor:
        if self.config.vocabulary:
            return x
        patch, (high, wide) = self.config.patch, state.shape[2:]
        x = x.reshape(len(x), high // patch, wide // patch, -1).permute(0, 3, 1, 2)
        return F.pixel_shuffle(x, patch)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=1 / math.sqrt(module.in_features))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.trunc_normal_(module.weight, std=1)
        for silent in (self.trunk.modulation, self.head_modulation, self.head, self.given_in):
            if silent is not None:
                nn.init.zeros_(silent.weight)
        nn.init.trunc_normal_(self.text_places, std=0.1)


TIME_WIDTH = 128
"""Numbers that stand for a noise level."""


def waves(time: Tensor) -> Tensor:
    """Sines and cosines of the noise level at frequencies from 1 to 1000."""
    half = TIME_WIDTH // 2
    rates = torch.exp(torch.linspace(0, math.log(1000), half, device=time.device))
    angles = time.float()[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], 1)


def places(side: int, width: int) -> Tensor:
    """Sines and cosines of row and column, (side, side, width): where learning the places starts."""
    steps = torch.arange(side)
    rates = torch.exp(torch.linspace(0, -math.log(100), width // 4, device=steps.device))
    angles = steps[:, None] * rates
    line = torch.cat([angles.sin(), angles.cos()], 1)
    rows, columns = line[:, None].expand(side, side, -1), line[None].expand(side, side, -1)
    return torch.cat([rows, columns], 2) * 0.5


def padding(text_mask: Tensor, keys: int, dtype: torch.dtype) -> Tensor:
    """Additive logits (rows, 1, 1, keys) that hide padded words, or the logarithms of the words' weights."""
    if text_mask.dtype == torch.bool:
        hidden = torch.zeros(text_mask.shape, dtype=dtype, device=text_mask.device)
        hidden = hidden.masked_fill(~text_mask, -torch.inf)
    else:
        hidden = text_mask.log().to(dtype)
    return F.pad(hidden, (0, keys - text_mask.shape[1]))[:, None, None]


def _behind(text_mask: Tensor, keys: int, dtype: torch.dtype) -> Tensor:
    """Additive logits (rows, 1, keys, keys): words see words, a token sees words and what is not after it.

    Everything sees itself, so that nothing is left without a key where a row has no words.
    """
    words, places = text_mask.shape[1], torch.arange(keys, device=text_mask.device)
    seen = (places <= places[:, None]) | (places < words)
    real = F.pad(text_mask, (0, keys - words), value=True)
    allowed = seen & real[:, None] | (places == places[:, None])
    nothing = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return nothing.masked_fill(~allowed, -torch.inf)[:, None]
