"""Class names before many backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class NameBackground(Recipe):
    """Asks for the name before each background in turn: "crane inside a harbour".

    Args:
        between: The word between them.
        hypernym: Whether the hypernym stands behind the name, as in the paper.
    """

    between: str = "inside"
    hypernym: bool = False

    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        """Return the name before each background; see :meth:`Recipe.ways`."""
        words = f"{thing.name}, {thing.need('hypernym')}" if self.hypernym else thing.name
        return [f"{words} {self.between} {place}" for place in thing.need("backgrounds")]
