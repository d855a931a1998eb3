"""Upsamplers: pictures to larger ones by a network trained on pictograms, in parts that fit memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.io.files import sha256_of
from limn.kernel.errors import InputError
from limn.networks.shipped import WEIGHTS
from limn.networks.upsampler import Upsampler

TILE: Final = 256
"""Side of the parts that are enlarged at once, in pixels of the small picture."""

names = Upsampler.names


@dataclass(frozen=True, kw_only=True)
class Enlarger:
    """An upsampler ready for use.

    Args:
        name: What it was asked for by.
        network: The frozen network.
        weights: SHA-256 of its weights, for records.
    """

    name: str
    network: Upsampler
    weights: str

    @property
    def factor(self) -> int:
        """How many times as long each side becomes."""
        return self.network.factor

    @torch.inference_mode()
    def enlarge(self, picture: NDArray[np.uint8], *, tile: int = TILE) -> NDArray[np.uint8]:
        """Enlarge a picture.

        Args:
            picture: RGB (height, width, 3), 0 to 255, of any height and width.
            tile: Side of the parts that are enlarged at once; the answer does not depend on it, up to rounding.

        Returns:
            RGB (factor * height, factor * width, 3), 0 to 255.

        Raises:
            InputError: The picture is of another shape or type.
        """
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            raise InputError(
                f"picture: {picture.dtype} of shape {picture.shape}; give uint8 of shape (height, width, 3)"
            )
        height, width, scale = *picture.shape[:2], self.factor
        large = np.empty((height * scale, width * scale, 3), np.uint8)
        for top in range(0, height, tile):
            for left in range(0, width, tile):
                part = self._part(picture, top, left, tile)
                rows, columns = part.shape[:2]
                large[top * scale : top * scale + rows, left * scale : left * scale + columns] = part
        return large

    def _part(self, picture: NDArray[np.uint8], top: int, left: int, tile: int) -> NDArray[np.uint8]:
        """Enlarge one part with as much around it as can change it."""
        reach, scale = self.network.config.reach, self.factor
        above, before = max(0, top - reach), max(0, left - reach)
        around = picture[above : top + tile + reach, before : left + tile + reach].copy()  # may be read-only
        part = self.network(_states(around).to(next(self.network.parameters()).device))
        bytes_ = part[0].clamp(-1, 1).add(1).mul(127.5).round().byte().permute(1, 2, 0).cpu().numpy()
        first, second = (top - above) * scale, (left - before) * scale
        return np.asarray(bytes_[first : first + tile * scale, second : second + tile * scale])


def upsampler(name: str | Path = "upsampler", *, device: str = "cpu") -> Enlarger:
    """Load an upsampler.

    Args:
        name: ``upsampler``, another one shipped with limn, or a folder of one.
        device: Where it runs.

    Raises:
        InputError: There is no such upsampler; the message has the nearest name, or says how to make one.
        WeightsError: Its files are missing, damaged, unsafe or do not fit each other.
    """
    network, weights = Upsampler.load(name, device=device), sha256_of(Upsampler.locate(name) / WEIGHTS)
    return Enlarger(name=str(name), network=network, weights=weights)


def _states(picture: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
