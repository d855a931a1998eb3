"""Classifier-free guidance: away from the answer without the words, towards the answer with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class ClassifierFree(Guidance):
    """Guide as ``null + scale * (main - null)`` (Ho and Salimans 2022, equation 6).

    The formula is affine, so it is the same for clean states, noise and logits. Where the scale is 1 (outside the
    interval, at the start of a growing schedule, once the answers agree) the null branch is not asked.

    Args:
        scale: Guidance scale from 0 to 100; 1 asks nothing more and changes nothing.
        against: A negative prompt that takes the place of the empty one.
        schedule: How the scale goes from 1 to ``scale`` over the walk: ``constant`` (at ``scale`` all the time),
            ``linear`` (Chang et al. 2023, section 2.7) or ``cosine``.
        low: Guide only above this noise over signal (Kynkäänniemi et al. 2024, equation 5).
        high: Guide only up to this noise over signal; without a limit when ``None``.
        agree: Stop guiding a picture once the cosine of its two clean states (or scores) exceeds this, in (0, 1)
            (after Castillo et al. 2023, section 4, who compare noise); ``None`` guides to the end.
        drop: The part of the conditioning that the null branch leaves out.

    >>> ClassifierFree(scale=3, against="blurry").scale
    3
    """

    paper: ClassVar[str] = "ho2022classifierfree"
    aliases: ClassVar[tuple[str, ...]] = ("cfg",)
    space: ClassVar[str] = "any"
    slot: ClassVar[str] = "scale"

    scale: float = 7.5
    against: str = ""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    low: float = 0.0
    high: float | None = None
    agree: float | None = None
    drop: str = "text"

    def __post_init__(self) -> None:
        self.check("scale", 0, 100)
        self.check_levels(self.low, self.high)
        if self.agree is not None and not 0 < self.agree < 1:
            raise InputError(f"agree: {self.agree} is not allowed; give a number between 0 and 1")

    @property
    def adaptive(self) -> bool:
        """Pictures stop asking for the null branch one by one when ``agree`` is given."""
        return self.agree is not None

    @property
    def null(self) -> str:
        """Name of the branch that is guided away from."""
        return "null" if self.drop == "text" else f"without {self.drop}"

    def scale_at(self, step: Step) -> float:
        """Return the guidance scale of a step."""
        if not step.level.within(self.low, self.high):
            return 1.0
        done = 1.0 if step.total == 1 else step.index / (step.total - 1)
        shape = {"constant": 1.0, "linear": done, "cosine": (1 - math.cos(math.pi * done)) / 2}
        return 1 + (self.scale - 1) * shape[self.schedule]

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask once more without the words, or with the negative prompt."""
        agreed = step.memory.get("agreed")
        if self.scale_at(step) == 1 or (agreed is not None and step.picture is not None and agreed[step.picture]):
            return branches
        main = branches["main"]
        null = main.against(self.against) if self.against else main.without(self.drop)
        return {**branches, self.null: null}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add ``(scale - 1) * (base - null)`` to ``main``."""
        scale, base = self.scale_at(step), predictions.get("base", predictions["main"])
        if scale == 1 or self.null not in predictions:
            return predictions
        null, main = predictions[self.null], predictions["main"]
        if self.agree is None:
            return {**predictions, "main": main + (scale - 1) * (base - null)}
        agreed = step.memory.get("agreed", torch.zeros(len(main), dtype=torch.bool, device=main.device))
        guided = torch.where(agreed.view(-1, *[1] * (main.ndim - 1)), main, main + (scale - 1) * (base - null))
        # Not the noise: at the start both answers are the state itself there, and would seem to agree.
        pair = [step.to_clean(answer) if step.space == "noise" else answer for answer in (base, null)]
        alike = torch.cosine_similarity(pair[0].detach().flatten(1), pair[1].detach().flatten(1))
        step.memory["agreed"] = agreed | (alike > self.agree)
        return {**predictions, "main": guided}
