"""Outpainting: draw on beyond an edge of a picture, from the words and from what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from limn.edit.pictures import packed, unpacked
from limn.edit.repainting import Inside, Repainting
from limn.kernel.edit import Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage

Side = Literal["left", "top", "right", "bottom"]


@dataclass(frozen=True, kw_only=True)
class Outpaint(Repainting):
    """Make a picture larger on one side; what is there stays bit for bit.

    The model sees a window of its own size at that edge, whose new part is drawn.

    Args:
        side: Where the picture grows.
        pixels: By how many pixels; less than the model's size, so that something of the picture is seen.
    """

    paper: ClassVar[str] = "chang2023muse"

    side: Side = "right"
    pixels: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.pixels <= 4096:
            raise InputError(f"extend: {self.pixels} pixels are not allowed; give at least 1")

    @classmethod
    def of(cls, picture: Pixels, side: Side, pixels: int, **options: Any) -> Outpaint:
        """Make an edit of an array (height, width, 3)."""
        return cls(picture=packed(picture), side=side, pixels=pixels, **options)

    def window(self, size: tuple[int, int]) -> tuple[Pixels, Inside]:
        """Return the window at the edge and its new part; see :meth:`Repainting.window`."""
        canvas, new, window = self._canvas(size)
        return canvas[window], new[window]

    def check(self, stage: Stage, size: tuple[int, int]) -> None:
        """Refuse a stage that would see nothing of the picture; see :meth:`Edit.check`."""
        super().check(stage, size)
        if self._cells(stage, self.window(size)[1]).all():
            most = size[self._axis] - stage.codec.multiple
            raise InputError(
                f"extend: {self.pixels} pixels leave nothing of the picture to see; give at most {most}"
            )

    def finish(self, stage: Stage, drawn: Pixels) -> Pixels:
        """Return the picture with the new part beside it."""
        canvas, new, window = self._canvas((drawn.shape[0], drawn.shape[1]))
        canvas[window] = np.where(new[window][..., None], drawn, canvas[window])
        return canvas

    @property
    def _axis(self) -> int:
        return 0 if self.side in ("top", "bottom") else 1

    def _canvas(self, size: tuple[int, int]) -> tuple[Pixels, Inside, tuple[slice, slice]]:
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
