"""Conditioning of a stage that refines: the tokens that an earlier stage drew stand before the words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.encoders.prompt import PromptEncoder
from limn.kernel.predictor import Ask, Conditioning
from limn.networks.transformer import places

GIVEN: Final = "tokens"
"""What the earlier stage gives."""

PLACES: Final = 32
"""Numbers that say where a token lies."""

_LENGTH = 8.0  # about that of a word's vector


class Codebook(Protocol):
    """What tokens stand for."""

    def vectors(self, ids: Tensor) -> Tensor:
        """Return unit vectors (..., code_width) of tokens (...)."""
        ...


class CoarseEncoder:
    """Coarse tokens, each as its code and its place, and after them the words of the prompt.

    A row that drops its text keeps its coarse tokens: guidance then asks what the words add to them.

    Args:
        words: Turns prompts into vectors.
        codebook: That of the earlier stage.
        tokens: Coarse tokens of a picture.
        side: Finer tokens along one side of it.
    """

    def __init__(self, words: PromptEncoder, codebook: Codebook, *, tokens: int, side: int) -> None:
        self.words, self.codebook, self.tokens, self.side = words, codebook, tokens, side

    @property
    def width(self) -> int:
        """Length of a word's vector."""
        return self.words.width

    def knowing(self, words: Mapping[str, Tensor]) -> CoarseEncoder:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
        return CoarseEncoder(self.words.knowing(words), self.codebook, tokens=self.tokens, side=self.side)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return vectors (rows, tokens + words, width) and which of them are real."""
        words = self.words.encode(asks)
        ids = torch.stack([ask.given[GIVEN] for ask in asks]).clamp(min=0)
        return Conditioning(*before(self.codebook.vectors(ids), words.tokens, words.mask, side=self.side))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each vector; (0, 0) for the coarse tokens."""
        return [(0, 0)] * self.tokens + self.words.spans(text)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        return self.words.unread(text)


def before(codes: Tensor, words: Tensor, mask: Tensor, *, side: int) -> tuple[Tensor, Tensor]:
    """Put coarse tokens before words, in dimensions of their own.

    Args:
        codes: Unit vectors (rows, tokens, code_width) of the coarse tokens of square pictures.
        words: Vectors (rows, words, width).
        mask: Which words are real (rows, words).
        side: Finer tokens along one side of a picture.

    Returns:
        Vectors (rows, tokens + words, width + code_width + PLACES) and which of them are real.
    """
    rows, tokens, width = codes.shape
    factor = side // math.isqrt(tokens)
    fine = places(side, PLACES).permute(2, 0, 1)
    place = F.avg_pool2d(fine, factor).flatten(1).T.to(codes)  # the middle of the finer tokens under each
    place = F.normalize(place, dim=1).expand(rows, tokens, PLACES)
    coarse = _LENGTH * torch.cat([codes, place], 2)
    vectors = torch.cat([F.pad(coarse, (words.shape[2], 0)), F.pad(words, (0, width + PLACES))], 1)
    return vectors, F.pad(mask, (tokens, 0), value=True)
