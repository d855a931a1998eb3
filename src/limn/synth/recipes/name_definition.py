"""Class names with their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class NameDefinition(Recipe):
    """Asks for the name and its definition: "crane, large long-necked wading bird"."""

    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        """Return name and definition; see :meth:`Recipe.ways`."""
        return (f"{thing.name}, {thing.need('definition')}",)
