from __future__ import annotations

import pytest

from limn.audit.studies.homoglyphs.prompts import CLEAN, NAMED, SCRIPTS, asks, attributes, cultures
from limn.networks.token_embeddings import TokenVectors
from limn.text.homoglyphs import normalised

WORDS = TokenVectors()


def tokens(text: str) -> int:
    return int(WORDS.ids([text])[1].sum())


def test_asks_of_a_pair_share_seeds_and_pairs_do_not() -> None:
    made = asks("people", "letter", SCRIPTS, named=2, seed=7)
    seeds = {pair: {each.seed for each in made if each.pair == pair} for pair in {each.pair for each in made}}
    assert all(len(each) == 1 for each in seeds.values())
    assert len(set.union(*seeds.values())) == len(seeds) == 10
    assert made[0].seed == 7


def test_pairs_differ_in_one_letter_that_looks_the_same() -> None:
    made = asks("people", "letter", SCRIPTS, named=2)
    clean = {each.pair: each.prompt for each in made if each.group == CLEAN}
    assert len(clean) == 8
    for each in made:
        if each.group in SCRIPTS:
            assert sum(a != b for a, b in zip(each.prompt, clean[each.pair], strict=True)) == 1
            if each.group != "Latin with dot":
                assert normalised(each.prompt) == clean[each.pair]
            assert SCRIPTS[each.group].motif in each.slots["target"]
    assert [each.group for each in made[-2:]] == [NAMED, NAMED]


@pytest.mark.parametrize("name", [name for name, each in SCRIPTS.items() if each.control])
def test_controls_have_as_many_tokens(name: str) -> None:
    made = asks("people", "letter", [name], named=0)
    attacked = {each.pair: each.prompt for each in made if each.group == name}
    control = {each.pair: each.prompt for each in made if each.group.startswith("symbol")}
    assert attacked.keys() == control.keys()
    assert [tokens(attacked[pair]) for pair in attacked] == [tokens(control[pair]) for pair in attacked]


def test_scenes_have_the_thirty_templates_of_the_protocol() -> None:
    made = asks("scenes", "word", ["Greek"], named=5)
    assert len([each for each in made if each.group == CLEAN]) == 30
    first, second, third = made[:3]
    assert first.prompt == "a photo of the actor"
    assert second.prompt == "a photo of the \u03bf actor"
    assert second.slots["target"] == "a photo of the Greek actor"
    assert third.prompt == "a photo of the \u00d7 actor"


@pytest.mark.parametrize("name", SCRIPTS)
def test_sets_of_the_association(name: str) -> None:
    for world in ("people", "scenes"):
        first, second = attributes(world, name)  # type: ignore[arg-type]
        assert len(first) == len(second) == (5 if (world, name) == ("scenes", "Latin with dot") else len(first))
        ours, theirs = cultures(world, name)  # type: ignore[arg-type]
        assert len(set(ours)) == len(set(theirs)) == 7
        assert not set(ours) & set(theirs)
