"""A recipe from any file is one, with the options that all have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limn.kernel import registry
from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe
from made_sets import classes


@dataclass(frozen=True, kw_only=True)
class Loud(Recipe):
    """Asks loudly."""

    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        return (thing.name.upper(),)


def test_a_recipe_of_ones_own() -> None:
    recipe = Loud(template="{}!", scale=2.0)
    assert [ask.prompt for ask in recipe.asks(classes(), 1)] == ["CIRCLE!", "SQUARE!", "TRIANGLE!"]
    assert registry.record(recipe)["scale"] == 2.0
