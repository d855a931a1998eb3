"""What is known of a picture, as a network reads it that was made to paint into pictures."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.codec import Codec

KNOWN: Final = "known"
"""The name under which it is given to encoders (:attr:`limn.kernel.predictor.Ask.given`)."""


def touched(inside: Tensor, rows: int) -> Tensor:
    """Return which cells of a state a mask touches, (pictures, 1, rows, columns).

    Args:
        inside: Which pixels are inside (pictures, height, width).
        rows: Cells along a picture's height; they are square.
    """
    return F.max_pool2d(inside[:, None].float(), inside.shape[1] // rows) > 0


def known(codec: Codec, image: Tensor, inside: Tensor) -> Tensor:
    """Return which cells are known, and the state of the picture with grey where it is not (Nichol et al. 2022).

    Args:
        codec: Turns pictures into states.
        image: Pictures (pictures, 3, height, width) in [-1, 1].
        inside: Which pixels are not known (pictures, height, width).

    Returns:
        (pictures, 1 + channels, rows, columns); the first channel is 1 where a cell is known, else 0.
    """
    state = codec.encode(image.masked_fill(inside[:, None], 0.0))
    return torch.cat([(~touched(inside, state.shape[2])).to(state), state], 1)


def nothing_known(codec: Codec, size: tuple[int, int], device: str) -> Tensor:
    """Return what :func:`known` says of one picture (1, ...) of which nothing is known.

    Args:
        codec: Turns pictures into states.
        size: Height and width in pixels.
        device: Where it goes.
    """
    with torch.no_grad():
        return known(codec, torch.zeros(1, 3, *size, device=device), torch.ones(1, *size, device=device).bool())
