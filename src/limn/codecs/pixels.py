"""The codec of models that work on pixels: the state is the picture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """Pictures as they are, in [-1, 1].

    Args:
        multiple: A picture's sides must be multiples of this many pixels, for example the network's patch.

    >>> Pixels(multiple=8).shape(64, 32)
    (3, 64, 32)
    """

    multiple: int = 1

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return (3, height, width)."""
        return (3, height, width)

    def encode(self, image: Tensor) -> Tensor:
        """Return the pictures (pictures, 3, height, width) themselves."""
        return image

    def decode(self, state: Tensor) -> Tensor:
        """Return the states (pictures, 3, height, width) themselves."""
        return state
