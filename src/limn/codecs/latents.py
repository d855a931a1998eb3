"""The codec of latent models: an autoencoder, and the scaling that gives its latents unit variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Protocol

from torch import Tensor

from limn.kernel.errors import InputError

TOGETHER = "together"
"""In the record of a batch: small pictures were decoded in one pass, not one by one."""


class Autoencoder(Protocol):
    """Pictures to raw latents and back."""

    @property
    def channels(self) -> int:
        """Channels of the latents."""
        ...

    @property
    def factor(self) -> int:
        """Pixels along one side of a latent cell."""
        ...

    def encode(self, image: Tensor) -> Tensor:
        """Turn pictures (pictures, 3, height, width) in [-1, 1] into latents (pictures, channels, h, w)."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Turn latents into pictures."""
        ...


@dataclass(frozen=True, eq=False)
class Latents:
    """Latents of an autoencoder, centred and scaled.

    Args:
        autoencoder: Turns pictures into latents and back.
        mean: Taken from raw latents: one value, or one for each channel.
        std: What they are then divided by, likewise; for Stable Diffusion 1 / 0.18215.
        patch: Latent cells along one side of what the network cuts the state into.

    Raises:
        InputError: If ``mean`` or ``std`` do not fit the channels.
    """

    autoencoder: Autoencoder
    _: KW_ONLY
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    patch: int = 1

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.autoencoder.channels):
                raise InputError(f"latents: {name} has {len(values)} values; give 1 or one for each channel")
        if min(self.std) <= 0:
            raise InputError("latents: every std must be above 0")

    @property
    def multiple(self) -> int:
        """A picture's sides must be multiples of this many pixels."""
        return self.autoencoder.factor * self.patch

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return (channels, height / factor, width / factor)."""
        factor = self.autoencoder.factor
        return (self.autoencoder.channels, height // factor, width // factor)

    def apart(self) -> Latents:
        """Return the same codec, decoding one picture at a time where its autoencoder can decode several."""
        autoencoder: Any = self.autoencoder
        return (
            replace(self, autoencoder=replace(autoencoder, together=1)) if hasattr(autoencoder, "together") else self
        )

    def encode(self, image: Tensor) -> Tensor:
        """Turn pictures (pictures, 3, height, width) in [-1, 1] into scaled latents."""
        raw = self.autoencoder.encode(image)
        return (raw - _per_channel(self.mean, raw)) / _per_channel(self.std, raw)

    def decode(self, state: Tensor) -> Tensor:
        """Turn scaled latents into pictures (pictures, 3, height, width)."""
        return self.autoencoder.decode(state * _per_channel(self.std, state) + _per_channel(self.mean, state))


def _per_channel(values: Sequence[float], like: Tensor) -> Tensor:
    return like.new_tensor(list(values)).view(1, -1, 1, 1)
