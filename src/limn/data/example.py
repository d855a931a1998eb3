"""One picture with its captions and what is known to be true of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.io.pictures import composite

__all__ = ["Example"]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One picture, several ways to say it, and its ground truth.

    Args:
        key: Unique within its data set.
        picture: ``(height, width, 3)`` RGB or ``(height, width, 4)`` straight-alpha RGBA, uint8.
        captions: Paraphrases; any of them describes the picture.
        attributes: Ground truth by name, such as ``{"style": "noto", "tone": "dark"}``.
        split: ``train`` or the name of a held-out part.
    """

    key: str
    picture: NDArray[np.uint8]
    captions: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    split: str = "train"

    def on(self, background: tuple[int, int, int] = (255, 255, 255)) -> NDArray[np.uint8]:
        """Lay the picture over one colour: ``(height, width, 3)`` RGB, uint8."""
        return composite(self.picture, background)
