"""Inpainting: draw a region anew, from the words and from what is around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from limn.edit.token_pictures import packed, tokens_of, touched, unpacked
from limn.kernel.codec import HIDDEN
from limn.kernel.edit import Edit, Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Inpaint(Edit):
    """Hide the tokens that a mask touches and draw them (Chang et al. 2023, section 3.3).

    Tokens outside the mask stay bit for bit; pixels outside those that were hidden are the picture's own.

    Args:
        picture: The picture as hexadecimal text of a PNG, of the model's size; see :meth:`of`.
        mask: The mask, likewise: what is lighter than half is drawn anew.
        paste: Whether pixels outside the hidden tokens are taken from the picture, not from its tokens.
    """

    paper: ClassVar[str] = "chang2023muse"

    picture: str = ""
    mask: str = ""
    paste: bool = True

    def __post_init__(self) -> None:
        inside = self._inside()
        if inside.shape != unpacked(self.picture, "picture").shape[:2]:
            raise InputError("mask: is of another size than the picture; draw it on a copy of the picture")
        if not inside.any():
            raise InputError("mask: is black all over, nowhere lighter than half; paint white what to draw anew")

    @classmethod
    def of(cls, picture: Pixels, mask: Pixels, *, paste: bool = True) -> Inpaint:
        """Make an edit of arrays: a picture (height, width, 3) and a mask (height, width), 0 to 255."""
        return cls(picture=packed(picture), mask=packed(mask), paste=paste)

    @classmethod
    def box(cls, picture: Pixels, box: tuple[float, float, float, float], *, paste: bool = True) -> Inpaint:
        """Make an edit of a box: left, top, right and bottom as shares of the picture's sides.

        Raises:
            InputError: The box is empty or not within the picture.
        """
        left, top, right, bottom = box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise InputError(f"box {box}: give left < right and top < bottom, all within 0 and 1")
        height, width = picture.shape[:2]
        rows = slice(int(top * height), max(int(top * height) + 1, round(bottom * height)))
        columns = slice(int(left * width), max(int(left * width) + 1, round(right * width)))
        mask = np.zeros((height, width), np.uint8)
        mask[rows, columns] = 255
        return cls.of(picture, mask, paste=paste)

    def start(self, stage: Stage, size: tuple[int, int]) -> Tensor:
        """Return the picture's tokens with those hidden that the mask touches; see :meth:`Edit.start`."""
        ids = tokens_of(stage, unpacked(self.picture, "picture"), size)
        hidden = touched(torch.from_numpy(self._inside()), stage.codec.multiple).to(ids.device)
        return ids.masked_fill(hidden, HIDDEN)

    def finish(self, stage: Stage, drawn: Pixels) -> Pixels:
        """Return what was drawn inside the tokens that the mask touches, the picture elsewhere."""
        if not self.paste:
            return drawn
        factor = stage.codec.multiple
        tokens = touched(torch.from_numpy(self._inside()), factor).numpy()
        cells = tokens.reshape(drawn.shape[0] // factor, drawn.shape[1] // factor)
        inside = cells.repeat(factor, 0).repeat(factor, 1)
        return np.where(inside[..., None], drawn, unpacked(self.picture, "picture"))

    def _inside(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return unpacked(self.mask, "mask")[..., 0] > 127
