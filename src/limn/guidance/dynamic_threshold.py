"""Dynamic thresholding: guided pictures that stay within the range of pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from limn.kernel import bounds
from limn.kernel.codec import Codec
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class DynamicThreshold(Guidance):
    """Clamp the clean state at a percentile of itself and scale it back (Saharia et al. 2022, section 2.3).

    For each picture, ``s`` is the magnitude that ``share`` of its values do not exceed, and at least ``bound``; then
    ``main`` becomes ``clamp(main, -s, s) * bound / s``. The values of pictures lie in [-1, 1], so that is the bound
    for models of pixels. Latents have no such range: there it is, our choice, the largest magnitude in the answer
    before it was amplified, so that without a guidance that amplifies nothing changes.

    Args:
        share: Share of the values that keep their proportions, above 0 and up to 1.
        bound: Largest magnitude that values should have, above 0; ``None`` for the model's own.
    """

    paper: ClassVar[str] = "saharia2022imagen"
    aliases: ClassVar[tuple[str, ...]] = ("threshold",)
    rank: ClassVar[Rank] = Rank.BOUND

    share: float = 0.995
    bound: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share: {self.share} is not allowed; give a number above 0 and up to 1")
        if self.bound is not None and not 0 < self.bound < math.inf:
            raise InputError(f"bound: {self.bound} is not allowed; give a number above 0, or none")

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Bound ``main``, each picture by itself."""
        main = predictions["main"]
        bound: float | Tensor = self.bound or 1.0
        if self.bound is None and not _of_pixels(step.codec):
            bound = predictions.get("base", main).abs().flatten(1).amax(1)
        return {**predictions, "main": bounds.threshold(main, self.share, bound)}


def _of_pixels(codec: Codec | None) -> bool:
    """Say whether states are pictures."""
    if codec is None:
        return True
    side = 8 * codec.multiple
    return codec.shape(side, side) == (3, side, side)
