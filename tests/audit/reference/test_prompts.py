from __future__ import annotations

from typing import get_args

import pytest

from limn.audit.reference.prompts import OCCUPATIONS, PARTS, PLACES, THINGS, World, asks, place_prompt


@pytest.mark.parametrize("world", get_args(World))
@pytest.mark.parametrize("part", PARTS)
def test_every_world_and_part_can_be_asked(world: str, part: str) -> None:
    found = asks(world, part, lambda name: "man")
    assert len({each.prompt for each in found}) == len(found)
    assert all(each.slots["part"] == part and each.slots["concept"] for each in found)
    assert len({each.group for each in found}) == len(found)
    if part == "objects":
        assert len(found) == len(THINGS[world]) * (1 + len(PLACES[world]))
    if part == "occupations":
        assert not any(word in each.prompt.split() for each in found for word in ("woman", "man"))
    if part == "counter":
        assert all("woman" in each.prompt for each in found)


def test_forty_professions_of_pictograms() -> None:
    assert len(set(OCCUPATIONS["pictograms"])) == 40


@pytest.mark.parametrize(
    ("thing", "place", "words"),
    [("hat", "European", "a European hat"), ("hat", "American", "an American hat"), ("hat", "", "a hat")],
)
def test_articles(thing: str, place: str, words: str) -> None:
    assert place_prompt("pictograms", thing, place) == words
