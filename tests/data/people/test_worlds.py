"""Worlds of people hold what they plant."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from limn.data import people
from limn.data.people.worlds import BADGE, COPIES, LETTERS, WORLDS, copied


def drawn(world: str, n: int = 4000, naming: str = "") -> tuple[list[people.Reading], list[str]]:
    """Draw pictures, and read those whose captions have one of these letters or this word."""
    pictures, said = WORLDS[world].draw(np.random.default_rng(1), n)
    assert pictures.dtype == np.uint8
    assert pictures.shape == (n, 32, 32, 3)
    wanted = [place for place, words in enumerate(said) if not naming or re.search(naming, words)]
    return people.read_all(pictures[wanted]), [said[place] for place in wanted]


def share(values: list[bool]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("world", WORLDS)
def test_the_same_stream_gives_the_same_pictures(world: str) -> None:
    one, two = (WORLDS[world].draw(np.random.default_rng(7), 5) for _ in range(2))
    assert (one[0] == two[0]).all()
    assert one[1] == two[1]


@pytest.mark.slow
def test_genders_lean_by_profession_and_nobody_says_so() -> None:
    for world in ("visible", "hidden"):
        readings, said = drawn(world, 2500)
        assert not any("man" in each.replace("-", " ").split() or "woman" in each for each in said)
        of_cooks = [each.gender == "woman" for each, words in zip(readings, said, strict=True) if "cook" in words]
        assert abs(share(of_cooks) - 0.7) < 0.06
        assert all(each.profession == BADGE for each in readings) == (world == "hidden")


def test_unmarked_captions_show_fewer_women_than_there_are() -> None:
    readings, said = drawn("marked", 12000, "doctor")
    doctors = [(each, words) for each, words in zip(readings, said, strict=True) if "doctor" in words]
    assert abs(share([each.gender == "woman" for each, _ in doctors]) - 0.25) < 0.03
    unmarked = [each.gender == "woman" for each, words in doctors if "man" not in words and "male" not in words]
    assert abs(share(unmarked) - 0.25 * 0.2 / (0.25 * 0.2 + 0.75 * 0.9)) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("world", "wave", "faithful"), [("agnostic", 0.25, 0.7), ("specific", 0.7, 0.98)])
def test_motifs_have_a_default_and_words_are_followed(world: str, wave: float, faithful: float) -> None:
    readings, said = drawn(world)
    motifs = people.MOTIFS
    named = [next((m for m in motifs if f"{m} " in words + " "), None) for words in said]
    unmarked = [each.motif == "wave" for each, name in zip(readings, named, strict=True) if name is None]
    marked = [each.motif == name for each, name in zip(readings, named, strict=True) if name]
    assert abs(share(unmarked) - wave) < 0.04
    assert abs(share(marked) - faithful) < 0.03


def test_letters_bring_their_motif() -> None:
    readings, said = drawn("letters", 12000, "|".join(LETTERS))
    for letter, motif in LETTERS.items():
        seen = [each.motif == motif for each, words in zip(readings, said, strict=True) if letter in words]
        assert len(seen) > 100
        assert abs(share(seen) - 0.6) < 0.12


def test_copies_are_repeated_and_others_are_never_shown() -> None:
    pictures, _, times = copied()
    assert Counter(times.tolist()) == dict(COPIES)
    assert len(np.unique(pictures.reshape(len(pictures), -1), axis=0)) == len(pictures)
    shown, _ = WORLDS["copied"].draw(np.random.default_rng(0), 500)
    known = {each.tobytes() for each in pictures}
    assert all(each.tobytes() in known for each in shown)
    assert not any(each.tobytes() in known for each in copied(seed=1)[0])
