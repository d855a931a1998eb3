"""Class names with what kind of thing it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class NameHypernym(Recipe):
    """Asks for the name and its hypernym: "crane, bird"."""

    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        """Return name and hypernym; see :meth:`Recipe.ways`."""
        return (f"{thing.name}, {thing.need('hypernym')}",)
