from __future__ import annotations

import pytest

from emoji_packages import fake_packages
from limn.data.catalogue import TONES, Concept, canonical, read_catalogue
from limn.data.packages import Tarball
from limn.data.picture_set import PictureSet


@pytest.fixture(scope="module")
def concepts() -> dict[str, Concept]:
    return read_catalogue(Tarball(fake_packages()["emojibase"]))


@pytest.mark.parametrize(
    ("code", "wanted"),
    [("1F469-200D-1F373", "1f469-200d-1f373"), ("0023-fe0f-20e3", "23-20e3"), ("a9", "a9"), ("2764-FE0F", "2764")],
)
def test_codes_have_one_form(code: str, wanted: str) -> None:
    assert canonical(code) == wanted
    assert canonical(wanted) == wanted


def test_flags_and_components_are_left_out(concepts: dict[str, Concept]) -> None:
    assert {concept.group for concept in concepts.values()} == {"smileys-emotion", "people-body", "food-drink"}


def test_people_have_profession_gender_and_tone(concepts: dict[str, Concept]) -> None:
    cook = concepts["1f469-1f3fe-200d-1f373"]
    assert cook.cell == ("cook", "woman", "medium-dark")
    assert cook.base == "1f469-200d-1f373"
    assert concepts[cook.base].tone == TONES[0]


def test_hands_have_a_tone_and_no_gender(concepts: dict[str, Concept]) -> None:
    assert (concepts["1f44b-1f3ff"].tone, concepts["1f44b-1f3ff"].gender) == ("dark", "")


def test_things_have_neither(concepts: dict[str, Concept]) -> None:
    apple = concepts["1f34e"]
    assert (apple.profession, apple.gender, apple.tone, apple.cell) == ("", "", "", None)


def test_the_sample_holds_whole_factorials(sample: PictureSet) -> None:
    cooks = sample.where(profession="cook", style="3d").columns
    assert {(g, t) for g, t in zip(cooks["gender"], cooks["tone"], strict=True)} == {
        (gender, tone) for gender in ("woman", "man", "person") for tone in TONES
    }
