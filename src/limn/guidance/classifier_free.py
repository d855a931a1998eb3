"""Classifier-free guidance: away from the answer without the words, towards the answer with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.step import Step

__all__ = ["ClassifierFree"]

MAX_SCALE = 100.0


@dataclass(frozen=True, kw_only=True)
class ClassifierFree(Guidance):
    """Guide as ``null + scale * (main - null)`` (Ho and Salimans 2022, equation 6).

    The formula is affine, so it is the same for clean states, noise and logits.

    Args:
        scale: Guidance scale from 0 to 100; 1 asks nothing more and changes nothing.
        against: A negative prompt that takes the place of the empty one.
        drop: The part of the conditioning that the null branch leaves out.

    >>> ClassifierFree(scale=3, against="blurry").scale
    3
    """

    paper: ClassVar[str] = "ho2022classifierfree"
    rank: ClassVar[Rank] = Rank.AMPLIFY
    space: ClassVar[str] = "any"

    scale: float = 7.5
    against: str = ""
    drop: str = "text"

    def __post_init__(self) -> None:
        if not 0 <= self.scale <= MAX_SCALE:
            raise InputError(f"scale: {self.scale} is not allowed; give a number from 0 to {MAX_SCALE:.0f}")

    @property
    def null(self) -> str:
        """Name of the branch that is guided away from; guidances that need the same branch share it."""
        return f"against {self.against}" if self.against else f"without {self.drop}"

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask once more without the words, or with the negative prompt."""
        if self.scale == 1:
            return branches
        main = branches["main"]
        null = main.saying(self.against) if self.against else main.without(self.drop)
        return {**branches, self.null: null}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Fold the two answers into ``main``."""
        if self.scale == 1:
            return predictions
        null = predictions[self.null]
        return {**predictions, "main": null + self.scale * (predictions["main"] - null)}
