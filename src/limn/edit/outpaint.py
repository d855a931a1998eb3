"""Outpainting: draw on beyond an edge of a picture, from the words and from what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from limn.edit.token_pictures import packed, tokens_of, touched, unpacked
from limn.kernel.codec import HIDDEN
from limn.kernel.edit import Edit, Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Outpaint(Edit):
    """Make a picture larger on one side (Chang et al. 2023, section 3.3).

    The model sees a window of its own size at that edge, whose new part is hidden. What is there stays bit for bit.

    Args:
        picture: The picture as hexadecimal text of a PNG; see :meth:`of`.
        side: Where the picture grows.
        pixels: By how many pixels; less than the model's size, so that something of the picture is seen.
    """

    paper: ClassVar[str] = "chang2023muse"

    picture: str = ""
    side: Literal["left", "top", "right", "bottom"] = "right"
    pixels: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.pixels <= 4096:
            raise InputError(f"extend: {self.pixels} pixels are not allowed; give at least 1")

    @classmethod
    def of(cls, picture: Pixels, side: Literal["left", "top", "right", "bottom"], pixels: int) -> Outpaint:
        """Make an edit of an array (height, width, 3)."""
        return cls(picture=packed(picture), side=side, pixels=pixels)

    def start(self, stage: Stage, size: tuple[int, int]) -> Tensor:
        """Return the tokens of the window at the edge, the new ones hidden; see :meth:`Edit.start`."""
        canvas, new, window = self._canvas(size)
        hidden = touched(torch.from_numpy(new[window]), stage.codec.multiple)
        if hidden.all():
            most = size[self._axis] - stage.codec.multiple
            raise InputError(
                f"extend: {self.pixels} pixels leave nothing of the picture to see; give at most {most}"
            )
        ids = tokens_of(stage, canvas[window], size)
        return ids.masked_fill(hidden.to(ids.device), HIDDEN)

    def finish(self, stage: Stage, drawn: Pixels) -> Pixels:
        """Return the picture with the new part beside it."""
        canvas, new, window = self._canvas((drawn.shape[0], drawn.shape[1]))
        canvas[window] = np.where(new[window][..., None], drawn, canvas[window])
        return canvas

    @property
    def _axis(self) -> int:
        return 0 if self.side in ("top", "bottom") else 1

    def _canvas(
        self, size: tuple[int, int]
    ) -> tuple[Pixels, np.ndarray[tuple[int, ...], np.dtype[np.bool_]], tuple[slice, slice]]:
        """Return the enlarged picture, which of its pixels are new, and where the window lies."""
        source = unpacked(self.picture, "picture")
        before = self.side in ("left", "top")
        grown = [(0, 0), (0, 0), (0, 0)]
        grown[self._axis] = (self.pixels, 0) if before else (0, self.pixels)
        canvas = np.pad(source, grown, mode="edge")
        new = np.pad(np.zeros(source.shape[:2], bool), grown[:2], constant_values=True)
        along = size[self._axis]
        span = slice(0, along) if before else slice(max(canvas.shape[self._axis] - along, 0), None)
        return canvas, new, (span, slice(None)) if self._axis == 0 else (slice(None), span)
