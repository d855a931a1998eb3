"""Class names alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Name(Recipe):
    """Asks for the bare name of the class, whatever else it means.

    Args:
        synonyms: Whether to ask in turn for its synonyms too, and not for words that the class file calls ambiguous.
    """

    synonyms: bool = False

    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        """Return the name, or all words that mean the class alone; see :meth:`Recipe.ways`."""
        return thing.words if self.synonyms else (thing.name,)
