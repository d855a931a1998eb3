"""Inpainting: draw a region anew, from the words and from what is around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from limn.edit.pictures import draws_tokens, packed, unpacked
from limn.edit.repainting import Inside, Repainting
from limn.kernel.edit import Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Inpaint(Repainting):
    """Draw anew where a mask says; pixels outside it are the picture's own, to the bit.

    What is lighter than half is drawn. Models of tokens give back whole tokens that the mask touches. Models that
    denoise give back the picture and what was drawn, mixed as the mask's grey says.

    Args:
        mask: The mask, as hexadecimal text of a PNG of the picture's size.
        paste: Whether pixels outside are taken from the picture, not from its state.
    """

    paper: ClassVar[str] = "chang2023muse"

    mask: str = ""
    paste: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        inside = self._inside()
        if inside.shape != unpacked(self.picture, "picture").shape[:2]:
            raise InputError("mask: is of another size than the picture; draw it on a copy of the picture")
        if not inside.any():
            raise InputError("mask: is black all over, nowhere lighter than half; paint white what to draw anew")

    @classmethod
    def of(cls, picture: Pixels, mask: Pixels, **options: Any) -> Inpaint:
        """Make an edit of arrays: a picture (height, width, 3) and a mask (height, width), 0 to 255."""
        return cls(picture=packed(picture), mask=packed(mask), **options)

    @classmethod
    def box(cls, picture: Pixels, box: tuple[float, float, float, float], **options: Any) -> Inpaint:
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
        return cls.of(picture, mask, **options)

    def window(self, size: tuple[int, int]) -> tuple[Pixels, Inside]:
        """Return the picture and the mask; see :meth:`Repainting.window`."""
        return unpacked(self.picture, "picture"), self._inside()

    def finish(self, stage: Stage, drawn: Pixels) -> Pixels:
        """Return what was drawn where the mask says, the picture elsewhere."""
        if not self.paste:
            return drawn
        picture, inside = self.window(drawn.shape[:2])
        if draws_tokens(stage):
            cells = self._cells(stage, inside)[0, 0].cpu().numpy()
            whole = cells.repeat(stage.codec.multiple, 0).repeat(stage.codec.multiple, 1)
            return np.where(whole[..., None], drawn, picture)
        share = unpacked(self.mask, "mask")[..., :1] / 255.0
        return np.rint((1 - share) * picture + share * drawn).astype(np.uint8)

    def _inside(self) -> Inside:
        return unpacked(self.mask, "mask")[..., 0] > 127
