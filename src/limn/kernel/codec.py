"""Codecs carry pictures into the state a predictor works on, and back."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

HIDDEN = -1
"""Stands in a state of token ids for a token that is not decided yet."""


class Codec(Protocol):
    """Pixels to state and back: identity, latents, tokens or embeddings."""

    @property
    def multiple(self) -> int:
        """A picture's sides must be multiples of this many pixels."""
        ...

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return the state's shape, without the batch axis, for a picture of this size in pixels."""
        ...

    def encode(self, image: Tensor) -> Tensor:
        """Turn pictures (pictures, 3, height, width) in [-1, 1] into states."""
        ...

    def decode(self, state: Tensor) -> Tensor:
        """Turn states into pictures (pictures, 3, height, width), nominally in [-1, 1]."""
        ...
