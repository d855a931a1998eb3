"""Token norms: strong guidance turns the slope of each patch of the picture, and leaves its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class TokenNorm(Guidance):
    """Give the guided slope of each patch the length of the unguided one (Wu et al. 2025; as Qwen-Image is drawn).

    The slope is noise minus clean state, what a flow network answers; a patch is all channels of ``patch x patch``
    cells. Without a guidance that amplifies nothing changes.

    Args:
        patch: Cells along one side of a patch.
    """

    paper: ClassVar[str] = "wu2025qwenimage"
    rank: ClassVar[Rank] = Rank.CONSTRAIN

    patch: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.patch <= 64:
            raise InputError(f"patch: {self.patch} is not allowed; give a whole number from 1 to 64")

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Scale the slopes of ``main``."""
        main, base = predictions["main"], predictions.get("base", predictions["main"])
        if base is main or step.level.sigma == 0:
            return predictions
        drift = step.x - (step.level.alpha + step.level.sigma) * main
        wanted = self._lengths(step.x - (step.level.alpha + step.level.sigma) * base)
        slope = drift * (wanted / self._lengths(drift).clamp(min=1e-12))
        return {**predictions, "main": (step.x - slope) / (step.level.alpha + step.level.sigma)}

    def _lengths(self, slope: Tensor) -> Tensor:
        """Return the length of each patch's slope, at each of its cells (pictures, 1, ...)."""
        *_, height, width = slope.shape
        squares = slope.square().sum(1, keepdim=True)
        sums = F.avg_pool2d(squares, self.patch, ceil_mode=True, divisor_override=1)
        cells = sums.repeat_interleave(self.patch, 2).repeat_interleave(self.patch, 3)
        return cells[..., :height, :width].sqrt()
