"""Dynamic thresholding: guided pictures that stay within the range of pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from limn.kernel import bounds
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.step import Step

__all__ = ["Threshold"]


@dataclass(frozen=True, kw_only=True)
class Threshold(Guidance):
    """Clamp the clean state at a percentile of itself and scale it back (Saharia et al. 2022, section 2.3).

    For each picture, ``s`` is the magnitude that ``share`` of its values do not exceed, and at least ``bound``; then
    ``main`` becomes ``clamp(main, -s, s) * bound / s``. It is meant for models of pixels, whose values lie in
    [-1, 1]; latents have no such range, so give a ``bound`` of their size.

    Args:
        share: Share of the values that keep their proportions, above 0 and up to 1.
        bound: Largest magnitude that values should have, above 0.
    """

    paper: ClassVar[str] = "saharia2022imagen"
    rank: ClassVar[Rank] = Rank.BOUND
    space: ClassVar[str] = "clean"

    share: float = 0.995
    bound: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share: {self.share} is not allowed; give a number above 0 and up to 1")
        if not 0 < self.bound < math.inf:
            raise InputError(f"bound: {self.bound} is not allowed; give a number above 0")

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Bound ``main``, each picture by itself."""
        return {**predictions, "main": bounds.threshold(predictions["main"], self.share, self.bound)}
