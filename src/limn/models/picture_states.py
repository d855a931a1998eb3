"""Pictures as the states that a network of one size and number of channels reads."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.errors import InputError


def picture_states(pictures: NDArray[np.uint8] | Tensor, *, size: int, channels: int, name: str) -> Tensor:
    """Return pictures as states (pictures, channels, size, size) in [-1, 1]; of another size they are scaled.

    Args:
        pictures: RGB pictures (pictures, height, width, 3), 0 to 255, or states (pictures, channels, height, width).
        size: Side that the network reads.
        channels: Channels that it reads.
        name: Of the network, for errors.

    Raises:
        InputError: Another shape or type.
    """
    if isinstance(pictures, Tensor):
        states = pictures.float()
    else:
        if pictures.dtype != np.uint8 or pictures.ndim != 4:
            raise InputError("pictures: give uint8 of shape (pictures, height, width, 3), or states as a tensor")
        states = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).float() / 127.5 - 1
    if states.ndim != 4 or states.shape[1] != channels:
        raise InputError(f"pictures: shape {tuple(states.shape)}; {name} reads {channels} channels")
    if states.shape[-2:] == (size, size) or not len(states):
        return states
    scaled: Tensor = F.interpolate(states, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return scaled
