"""Fog: every answer fades towards grey."""

from dataclasses import dataclass
from typing import ClassVar

from limn import Guidance, InputError, Predictions, Rank, Step

__all__ = ["Fog"]


@dataclass(frozen=True, kw_only=True)
class Fog(Guidance):
    """Fade the clean picture towards grey: ``(1 - share) * main``.

    Args:
        share: How much of it fades, from 0 to 1.
    """

    paper: ClassVar[str] = """@article{koschmieder1924theorie,
  title   = {Theorie der horizontalen {S}ichtweite},
  author  = {Koschmieder, Harald},
  journal = {Beitr{\\"a}ge zur Physik der freien Atmosph{\\"a}re},
  year    = {1924},
}"""
    aliases: ClassVar[tuple[str, ...]] = ("mist",)
    rank: ClassVar[Rank] = Rank.NUDGE
    space: ClassVar[str] = "clean"

    share: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(f"share: {self.share} is not allowed; give a number from 0 to 1")

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Fade ``main``."""
        return {**predictions, "main": (1 - self.share) * predictions["main"]}
