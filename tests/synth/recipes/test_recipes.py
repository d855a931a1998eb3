"""Every recipe says what the paper's does, shares pictures out in turn, and leaves the first as they are."""

from __future__ import annotations

import pytest

from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.seeds import content_seed
from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe

CRANE = Thing(
    label="crane", name="crane", synonyms=("wader",), hypernym="bird", definition="a long-necked bird",
    backgrounds=("a marsh", "a harbour"), ambiguous=("crane",), value="crane",
)  # fmt: skip
LIFT = Thing(
    label="lift", name="crane", hypernym="machine", definition="a machine that lifts", backgrounds=("a port",)
)
BOTH = Classes(things=(CRANE, LIFT), styles=("a flat {}", "watercolour"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name", ["crane"]),
        ("name:synonyms=true", ["wader"]),
        ("name:template='a photo of a {}'", ["a photo of a crane"]),
        ("name_hypernym", ["crane, bird"]),
        ("name_definition", ["crane, a long-necked bird"]),
        ("name_background", ["crane inside a marsh", "crane inside a harbour"]),
        ("name_background:hypernym=true,between=in", ["crane, bird in a marsh", "crane, bird in a harbour"]),
        ("style", ["a flat crane", "crane, watercolour"]),
        ("style:styles='a {} in oil'", ["a crane in oil"]),
        ("several:words='two {}|many {}'", ["two crane", "many crane"]),
    ],
)
def test_words_are_those_of_the_paper(text: str, words: list[str]) -> None:
    asks = registry.parse("recipes", text).asks(BOTH, 2 * len(words))
    assert [ask.prompt for ask in asks if ask.group == "crane"] == words * 2


@pytest.mark.parametrize("name", registry.names("recipes"))
@pytest.mark.parametrize("seeds", ["order", "content"])
def test_more_pictures_leave_the_first_as_they_are(name: str, seeds: str) -> None:
    recipe: Recipe = registry.parse("recipes", name)
    few, many = (recipe.asks(BOTH, n, seeds=seeds) for n in (3, 7))
    assert [a for a in many if a.group == "crane"][:3] == [a for a in few if a.group == "crane"]
    assert len({(ask.prompt, ask.seed) for ask in many}) == 14, "no two pictures are the same"


def test_seeds_by_content_follow_from_words_alone() -> None:
    recipe = registry.parse("recipes", "name_hypernym")
    whole = {ask.prompt: ask.seed for ask in recipe.asks(BOTH, 1, seed=5, seeds="content")}
    part = {ask.prompt: ask.seed for ask in recipe.asks(Classes(things=(LIFT,)), 1, seed=5, seeds="content")}
    assert part.items() <= whole.items()
    assert whole["crane, bird"] == content_seed("crane, bird", 0, 5)


def test_what_the_class_file_lacks_is_named() -> None:
    bare = Classes(things=(Thing(label="bat", name="bat"),))
    with pytest.raises(InputError, match=r"classes.bat: has no definition"):
        registry.parse("recipes", "name_definition").asks(bare, 1)
    with pytest.raises(InputError, match="styles"):
        registry.parse("recipes", "style").asks(bare, 1)
    with pytest.raises(InputError, match="template"):
        registry.parse("recipes", "name:template=photo")
