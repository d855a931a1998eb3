"""Noun phrases stand where they are said to stand, by rules and by spaCy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from itertools import pairwise
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import limn.text.noun_phrases as module_of
from limn.kernel.errors import InputError
from limn.text.noun_phrases import best_parser, noun_phrases


def rules(text: str) -> list[str]:
    return [text[start:end] for start, end in noun_phrases(text, "rules")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a red heart and a blue square", ["a red heart", "a blue square"]),
        ("Two small firefighters with light skin, Her cat.", ["Two small firefighters", "light skin", "Her cat"]),
        ("a man riding a brown horse on the beach", ["a man", "a brown horse", "the beach"]),
        ("the flying red bird", ["the flying red bird"]),
        ("a red circle left of a blue square", ["a red circle", "a blue square"]),
        ("all of the three big dogs", ["the three big dogs"]),
        ("a brown bench is in front of it", ["a brown bench"]),
        ("a red-haired woman's cat", ["a red-haired woman's cat"]),
        ("cat", []),
        ("cats and dogs", []),
        ("", []),
    ],
)
def test_rules(text: str, found: list[str]) -> None:
    assert rules(text) == found


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["a", "the", "red", "riding", "left", "of", "and", "dog", ",", "’s", "-"])).map(
        " ".join
    )
)
def test_any_text_gives_pieces_of_itself(text: str) -> None:
    spans = noun_phrases(text, "rules")
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    for start, end in spans:
        piece = text[start:end]
        assert piece == piece.strip()
        assert len(piece.split()) > 1
        assert rules(piece) == [piece], "a phrase is its own only phrase"


def test_the_longest_prompt() -> None:
    assert len(rules("a dog " * 3_333)) == 3_333
    assert rules("ab-" * 6_666) == rules("'" * 20_000) == []


@pytest.fixture
def spacy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module in spaCy's place that finds three words and one word."""

    def pipeline(text: str) -> SimpleNamespace:
        chunks = [SimpleNamespace(start_char=0, end_char=11), SimpleNamespace(start_char=16, end_char=20)]
        return SimpleNamespace(noun_chunks=chunks)

    for name in ("spacy", "en_core_web_sm"):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    module = sys.modules["spacy"]
    module.load = lambda name: pipeline  # type: ignore[attr-defined]
    module_of._spacy.cache_clear()
    module_of._by_spacy.cache_clear()
    yield module
    module_of._spacy.cache_clear()
    module_of._by_spacy.cache_clear()


def test_spacy_where_it_is_installed(spacy: ModuleType) -> None:
    assert best_parser() == "spacy"
    assert noun_phrases("a red heart and they", "spacy") == ((0, 11),)
    assert noun_phrases("they saw it", "rules") == ()


@pytest.mark.parametrize("missing", ["spacy", "en_core_web_sm"])
def test_spacy_or_its_model_is_missing(spacy: ModuleType, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise OSError(name)

    spacy.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, missing, None)  # an import of it fails
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == missing else sys.modules[name].__spec__
    )
    assert best_parser() == "rules"
    with pytest.raises(InputError, match="parser: spacy or its model en_core_web_sm is not installed"):
        noun_phrases("a red heart", "spacy")
