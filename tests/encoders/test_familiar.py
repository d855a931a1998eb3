from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.encoders.familiar import FILE, Vocabulary, words_of
from limn.kernel.errors import WeightsError

CAPTIONS = ("a picture of a dog", "a red violin", "glasses", "a fire truck above a castle", "a house")
NAMES = ["a dog", "a violin", "glasses", "a fire truck", "a castle", "an airplane"]


@pytest.fixture(scope="module")
def known() -> Vocabulary:
    return Vocabulary(words_of(CAPTIONS), NAMES)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a picture of a canine", "a picture of a dog"),
        ("Spectacles", "glasses"),
        ("a red aircraft", "a red airplane"),
        ("An aircraft above a fortress, red", "an airplane above a castle, red"),
        ("a violinist", "a violin"),
        ("the canine", "the dog"),
    ],
)
def test_unknown_things_are_read_as_the_nearest_known_one(known: Vocabulary, text: str, read: str) -> None:
    assert known(text).text.lower() == read


@pytest.mark.parametrize(
    "text",
    [
        "a red dog", "dogs and houses", "a photograph of a dog", "a beautiful dog", "xqzt", "", "a puppy-dog", "...",
        "a dog with the",
    ],
)  # fmt: skip
def test_known_words_and_words_of_grammar_stay(known: Vocabulary, text: str) -> None:
    assert known(text) == type(known(text))(text=text)


def test_what_was_replaced_is_told(known: Vocabulary) -> None:
    (told,) = known("a picture of a canine").replaced
    assert (told.word, told.name) == ("canine", "a dog")
    assert 0.5 <= told.similarity <= 1
    assert "'canine'" in str(told)


@pytest.mark.slow
@given(st.text())
def test_any_text_is_read_and_what_is_read_stays(text: str) -> None:
    vocabulary = Vocabulary(words_of(CAPTIONS), NAMES)
    once = vocabulary(text)
    assert bool(once.replaced) == (once.text != text)


def test_the_file_beside_weights_is_read(tmp_path: Path) -> None:
    assert Vocabulary.of(tmp_path) is None
    (tmp_path / FILE).write_text(json.dumps({"known": words_of(CAPTIONS), "names": NAMES}))
    found = Vocabulary.of(tmp_path)
    assert found is not None
    assert found("a canine").text == "a dog"


@pytest.mark.parametrize(
    "fields", [{"known": ["a"]}, {"known": [1], "names": ["a dog"]}, {"known": ["a"], "names": []}]
)
def test_a_damaged_file_is_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    (tmp_path / FILE).write_text(json.dumps(fields))
    with pytest.raises(WeightsError, match=FILE):
        Vocabulary.of(tmp_path)


def test_words_that_the_model_was_taught_stay(known: Vocabulary) -> None:
    assert known("a <canine> near a canine", ["<canine>"]).text == "a <canine> near a dog"
    assert known("a Canine", ["canine"]).text == "a Canine"
