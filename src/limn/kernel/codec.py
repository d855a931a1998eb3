"""Codecs carry pictures into the state a predictor works on, and back."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from limn.kernel.errors import InputError

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


def solid(codec: Codec) -> bool:
    """Say whether a codec's states are things that can be looked at from several sides."""
    return hasattr(codec, "posed")


def posed(codec: Codec, camera: str, views: int, size: tuple[int, int]) -> Codec:
    """Return a codec that looks at things as a request says; one of flat pictures as it is.

    Args:
        codec: One with a method ``posed`` of the other arguments looks at things in three dimensions.
        camera: From where, as text; empty for the usual place.
        views: From how many sides.
        size: Height and width of a view in pixels.

    Raises:
        InputError: The camera cannot be read, or there is nothing to look at from other sides.
    """
    look: Any = getattr(codec, "posed", None)
    if look is not None:
        return look(camera, views, size)  # type: ignore[no-any-return]
    if camera or views != 1:
        raise InputError(
            "camera, views: this model draws flat pictures; leave them out, or give one of objects, as toys3d"
        )
    return codec
