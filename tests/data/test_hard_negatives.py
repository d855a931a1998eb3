from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limn.data.hard_negatives import exchanged, turned
from limn.data.picture_set import load
from limn.data.scenes import Scenes

SAMPLE = Path(__file__).parents[1] / "sample" / "pictograms"


def test_both_things_are_whole_and_each_is_where_the_other_was() -> None:
    world, rng, seen = Scenes(load(SAMPLE)), np.random.default_rng(0), 0
    for _ in range(60):
        scene = world.draw(rng, count=2)
        other = exchanged(scene)
        if other is None:
            continue
        seen += 1
        axis, start, length = (1, "left", "width") if scene.attributes["layout"] == "row" else (0, "top", "height")
        first, second = scene.attributes["things"]
        size = scene.picture.shape[axis]
        for thing, ahead in ((first, size - second[start]), (second, -second[start])):
            there = np.arange(thing[start] + ahead, thing[start] + ahead + thing[length]) % size
            here = np.arange(thing[start], thing[start] + thing[length])
            assert (np.diff(there) == 1).all()
            assert np.array_equal(other.picture.take(there, axis), scene.picture.take(here, axis))
        assert all(a != b and turned(b).split() for a, b in zip(scene.captions, other.captions, strict=True))
    assert seen > 30


def test_three_things_and_names_with_a_place_in_them_have_no_exchange() -> None:
    scene = Scenes(load(SAMPLE)).draw(np.random.default_rng(0), count=3)
    assert exchanged(scene) is None


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("a cat on the left and a dog on the right", "a cat on the right and a dog on the left"),
        ("a dog below a cat", "a dog above a cat"),
        ("a cat at the top and a dog at the bottom", "a cat at the bottom and a dog at the top"),
    ],
)
def test_words_of_place_turn_round(caption: str, other: str) -> None:
    assert turned(caption) == other
    assert turned(other) == caption
