"""Rescaled guidance: strong guidance without the high contrast that comes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class Rescale(Guidance):
    """Give the guided noise the standard deviation of the unguided one (Lin et al. 2024, section 3.4).

    ``share * main * std(base) / std(main) + (1 - share) * main``, where ``base`` is the answer before it was
    amplified and the deviations are taken over all values of a picture. Without a guidance that amplifies nothing
    changes. The paper measures the deviation on what its network answers, a velocity; here it is the noise, as for
    networks that answer with noise.

    Args:
        share: How much of the deviation is put right, from 0 (nothing) to 1.
    """

    paper: ClassVar[str] = "lin2024flawed"
    aliases: ClassVar[tuple[str, ...]] = ("cfg_rescale", "guidance_rescale")
    rank: ClassVar[Rank] = Rank.CONSTRAIN
    space: ClassVar[str] = "noise"

    share: float = 0.7

    def __post_init__(self) -> None:
        self.check("share", 0, 1)

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Scale ``main``, each picture by itself."""
        main, base = predictions["main"], predictions.get("base", predictions["main"])
        if self.share == 0 or base is main:
            return predictions
        axes = tuple(range(1, main.ndim))
        wanted, actual = base.std(axes, keepdim=True), main.std(axes, keepdim=True)
        ratio = wanted / actual.clamp(min=1e-12)
        return {**predictions, "main": main * (self.share * ratio + 1 - self.share)}
