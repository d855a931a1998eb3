from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.data.captions import STYLED, captions_of, name_of, phrases, sized, with_article
from limn.data.catalogue import Concept
from limn.data.picture_set import PictureSet
from limn.data.split import KNOWN

HEART = Concept(
    code="2764", base="2764", label="red heart", tags=("love",), group="smileys-emotion", subgroup="heart", version=1
)
COOK = replace(
    HEART, label="woman cook", group="people-body", subgroup="person-role",
    profession="cook", gender="woman", tone="medium-dark",
)  # fmt: skip


@pytest.mark.parametrize("style", KNOWN)
def test_captions_name_every_factor_and_are_also_short(style: str) -> None:
    found = captions_of("k", COOK, style, ("white", "brown"))
    assert 6 <= len(found) == len(set(found)) <= 10
    names = {"noto": "Noto", "twemoji": "Twemoji", "emojione": "EmojiOne", "fx": "FX", "openmoji": "OpenMoji"}
    said = names.get(style, style)
    assert sum(said in caption for caption in found) >= 4
    full = found[0]
    assert said in full
    assert "medium-dark" in full
    assert "woman" in full
    assert "cook" in full
    assert "white and brown" in full
    assert "woman cook" in found


def test_plain_words_are_captions_too() -> None:
    found = captions_of("noto/2764", HEART, "noto", ("red",))
    assert {"red heart", "a red heart"} <= set(found)
    assert {"heart", "a heart"} & set(found)
    assert not any("red and" in caption or "red red" in caption for caption in found)


@given(st.text(max_size=20), st.sampled_from(KNOWN), st.lists(st.sampled_from(["red", "blue"]), max_size=3))
def test_captions_depend_on_their_arguments_alone(key: str, style: str, colours: list[str]) -> None:
    found = captions_of(key, COOK, style, colours)
    assert found == captions_of(key, COOK, style, colours)
    assert all(caption == caption.strip() and "  " not in caption and "{" not in caption for caption in found)


def test_a_thing_of_one_colour_is_called_by_it() -> None:
    ball = replace(HEART, label="balloon")
    found = {caption for number in range(20) for caption in captions_of(str(number), ball, "flat", ("blue",))}
    assert "a blue balloon" in found


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("man: bald", "a bald man"),
        ("woman: red hair", "a woman with red hair"),
        ("keycap: 5", "a keycap 5"),
        ("person wearing turban", "a person wearing a turban"),
        ("women holding hands", "women holding hands"),
        ("Japanese “bargain” button", "a Japanese bargain button"),
        ("automobile", "a car"),
        ("twelve-thirty", "a clock showing twelve-thirty"),
    ],
)
def test_labels_become_noun_phrases(label: str, wanted: str) -> None:
    assert phrases(replace(HEART, label=label))[0] == wanted


def test_families_are_told_person_by_person() -> None:
    family = replace(HEART, label="family: adult, adult, child", subgroup="family")
    assert phrases(family) == ("a family of an adult, an adult and a child",)


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [("hour", "an hour"), ("euro", "a euro"), ("dress", "a dress"), ("eyes", "eyes"), ("rice", "rice"),
     ("octopus", "an octopus"), ("house with garden", "a house with garden")],
)  # fmt: skip
def test_articles(phrase: str, wanted: str) -> None:
    assert with_article(phrase) == wanted


def test_short_names_keep_the_tone_and_take_a_size() -> None:
    assert name_of(COOK) == "a woman cook with medium-dark skin"
    assert name_of(replace(COOK, tone="light+dark")) == "a woman cook with light and dark skin"
    assert sized(name_of(COOK), "small") == "a small woman cook with medium-dark skin"
    assert sized("two raised hands", "big") == "two raised hands"


def test_templates_have_one_place() -> None:
    assert set(STYLED) == set(KNOWN)
    assert all(template.count("{}") == 1 for templates in STYLED.values() for template in templates)


def test_captions_of_the_sample_are_the_ones_written_today(sample: PictureSet) -> None:
    for example in sample:
        facts = example.attributes
        concept = Concept(
            code=facts["codepoint"], base="", version=1, tags=tuple(facts["tags"]),
            **{name: facts[name] for name in ("label", "group", "subgroup", "profession", "gender", "tone")},
        )  # fmt: skip
        assert captions_of(example.key, concept, facts["style"], facts["colours"]) == example.captions
        assert 6 <= len(example.captions) <= 10
