"""The codec of a stage that draws a picture small, for a later stage to enlarge."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from limn.kernel.codec import Codec


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduced:
    """States of a picture that is ``factor`` times as small along each side.

    Args:
        codec: Of the small pictures.
        factor: How many times as long the sides of the large ones are.
    """

    codec: Codec
    factor: int = 4

    @property
    def multiple(self) -> int:
        """A picture's sides must be multiples of this many pixels."""
        return self.factor * self.codec.multiple

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return the shape of the small picture's state."""
        return self.codec.shape(height // self.factor, width // self.factor)

    def encode(self, image: Tensor) -> Tensor:
        """Turn pictures (pictures, 3, height, width) into states of what they are when reduced."""
        return self.codec.encode(F.avg_pool2d(image, self.factor))

    def decode(self, state: Tensor) -> Tensor:
        """Turn states into pictures, enlarged smoothly to the full size."""
        small = self.codec.decode(state)
        return F.interpolate(small, scale_factor=self.factor, mode="bicubic", align_corners=False)

    def small(self, state: Tensor) -> Tensor:
        """Turn states into small pictures."""
        return self.codec.decode(state)
