"""The codec of token models: pictures as a row of token ids, read line by line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Tokenizer(Protocol):
    """Pictures to token ids and back."""

    @property
    def codes(self) -> int:
        """How many tokens there are."""
        ...

    @property
    def factor(self) -> int:
        """Pixels along one side of a token."""
        ...

    def encode(self, image: Tensor) -> Tensor:
        """Turn pictures (pictures, 3, height, width) in [-1, 1] into ids (pictures, h, w)."""
        ...

    def decode(self, ids: Tensor) -> Tensor:
        """Turn ids (pictures, h, w) into pictures."""
        ...


@dataclass(frozen=True, eq=False)
class Tokens:
    """Token ids of square pictures, -1 where a token is not decided yet.

    Args:
        tokenizer: Turns pictures into ids and back.
    """

    tokenizer: Tokenizer

    @property
    def multiple(self) -> int:
        """A picture's sides must be multiples of this many pixels."""
        return self.tokenizer.factor

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return (tokens,)."""
        return ((height // self.tokenizer.factor) * (width // self.tokenizer.factor),)

    def encode(self, image: Tensor) -> Tensor:
        """Turn square pictures (pictures, 3, side, side) in [-1, 1] into ids (pictures, tokens)."""
        return self.tokenizer.encode(image).flatten(1)

    def decode(self, state: Tensor) -> Tensor:
        """Turn ids (pictures, tokens) into square pictures; an undecided token is shown as token 0."""
        side = math.isqrt(state.shape[1])
        return self.tokenizer.decode(state.clamp(min=0).view(-1, side, side))
