"""Conditioning of a stage that enlarges: the small picture that an earlier stage drew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from limn.kernel.predictor import Ask, Conditioning

SMALL: Final = "small"
"""What the earlier stage gives, and the extra that holds the small pictures."""


class SmallPicture:
    """Small pictures as bytes would hold them, with a little noise; words play no part.

    Args:
        decode: Turns the earlier stage's states into pictures.
        blur: Standard deviation of the noise, which is the same for every picture.
        device: Where the conditioning goes.
    """

    def __init__(self, decode: Callable[[Tensor], Tensor], *, blur: float, device: str = "cpu") -> None:
        self.decode, self.blur, self.device = decode, blur, device

    @torch.no_grad()
    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return rows without words and the extra ``small`` (rows, 3, height, width)."""
        small = self.decode(torch.stack([ask.given[SMALL] for ask in asks]))
        small = ((small.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
        grain = torch.randn(small.shape[1:], generator=torch.Generator().manual_seed(0)).to(small)
        none = torch.zeros(len(asks), 1, device=self.device)
        return Conditioning(none[..., None], none.bool(), {SMALL: small + self.blur * grain})

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return that no character is read."""
        return [(0, 0)]

    def unread(self, text: str) -> str:
        """Return nothing: words are for the stage before."""
        return ""
