"""CFG++: guide the clean state, but put back the noise that was there without guidance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class CFGPlusPlus(Guidance):
    """Guide with the scale that makes a DDIM step a step of CFG++ (Chung et al. 2025, algorithm 2).

    CFG++ walks to ``next.alpha * clean + next.sigma * noise`` with the guided clean state ``null + scale * (main -
    null)``, but with the noise of the null answer. A deterministic first-order step takes both from one clean state;
    the one that gives the same result is::

        null + w * (main - null)    with    w = scale / (1 - next.ratio / level.ratio)

    where ratio is noise over signal: classifier-free guidance whose scale grows as the steps get shorter, and ends
    at ``scale``. With the samplers ddim (eta 0) and euler (without churn) this is CFG++ exactly; samplers of higher
    order or with fresh noise get the same guidance scale as an approximation. A second evaluation within a step
    keeps the scale of the first.

    Args:
        scale: How far the clean state goes from the null answer to the one with the words, from 0 to 1; 0.6 is
            about as strong as 7.5 of classifier-free guidance.
        against: A negative prompt that takes the place of the empty one.
    """

    paper: ClassVar[str] = "chung2025cfgpp"
    aliases: ClassVar[tuple[str, ...]] = ("plus_plus", "cfgpp", "cfg++")
    slot: ClassVar[str] = "scale"

    scale: float = 0.6
    against: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.scale <= 1:
            raise InputError(
                f"scale: {self.scale} is not allowed; give a number from 0 to 1, "
                "where 0.6 is about 7.5 of classifier_free"
            )

    def scale_at(self, step: Step) -> float:
        """Return the scale of classifier-free guidance that stands for this one at a step."""
        if not step.primary and "scale" in step.memory:
            return float(step.memory["scale"])
        left = step.next.ratio / step.level.ratio
        return self.scale / (1 - left) if left < 1 else self.scale

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask once more without the words, or with the negative prompt."""
        main = branches["main"]
        return {**branches, "null": main.against(self.against)}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add ``(w - 1) * (base - null)`` to ``main``."""
        scale, base = self.scale_at(step), predictions.get("base", predictions["main"])
        step.memory["scale"] = scale
        main = predictions["main"] + (scale - 1) * (base - predictions["null"])
        return {**predictions, "main": main}
