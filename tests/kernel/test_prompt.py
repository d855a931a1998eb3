"""Prompts are data, checked when they are made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.kernel.errors import InputError
from limn.kernel.prompt import MAX_CHARACTERS, Prompt, Region


@pytest.mark.parametrize(
    ("text", "message"),
    [("a\x00b", "NUL"), ("\ud800", "surrogate"), ("x" * (MAX_CHARACTERS + 1), "shorten"), (3, "not int")],
)
def test_text_that_cannot_be_drawn(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Prompt(text)


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=200))
def test_any_other_text_is_kept_as_it_is(text: str) -> None:
    prompt = Prompt(text)
    assert prompt.text == text
    assert hash(prompt) == hash(Prompt(text))


def test_weights_fit_their_parts() -> None:
    assert Prompt("a", images=(b"png",), weights=(1.0, 0.5)).weights == (1.0, 0.5)
    with pytest.raises(InputError, match="2 parts"):
        Prompt("a", images=(b"png",), weights=(1.0,))
    with pytest.raises(InputError, match="finite"):
        Prompt("a", weights=(float("nan"),))


def test_regions_follow_their_words() -> None:
    sky, dog = Region(words="sky", box=(0, 0, 1, 0.5)), Region(words="dog")
    prompt = Prompt("a dog under the sky", regions=(sky, dog))
    assert prompt.saying("a cat under the sky").regions == (sky,)
    with pytest.raises(InputError, match="left < right"):
        Region(words="sky", box=(0.5, 0, 0.5, 1))
