"""Captions name what they promise to name; prompts leave the rest open."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.data.people import FIELDS, Person, Population, caption, captions, prompts
from limn.kernel.errors import InputError

seeds = st.integers(0, 2**32)
WORDS = {"woman": ("woman", "female"), "man": (" man", " male"), "neutral": ("neutral",)}


def some(seed: int) -> Person:
    return Population().sample(np.random.default_rng(seed), 1)[0]


@given(seed=seeds)
def test_full_captions_name_every_factor(seed: int) -> None:
    person = some(seed)
    for text in captions(person, np.random.default_rng(seed))[:3]:
        assert person.profession in text
        assert any(word in f" {text}" for word in WORDS[person.gender])
        tone = "no skin tone" if person.tone == "none" else f"{person.tone} skin"
        assert tone in text or tone.replace("-", " ") in text or "no tone of skin" in text
        assert person.motif in text
        assert person.style in text


@given(seed=seeds)
def test_articles_are_right(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for text in captions(some(seed), rng):
        words = text.replace(",", "").split()
        assert words[0] in ("a", "an")
        for one, two in pairwise(words):
            if one in ("a", "an"):
                assert (one == "an") == (two[0] in "aeiou")


def test_captions_leave_nothing_unnamed_that_they_name() -> None:
    """No caption says a value that the person does not have."""
    rng = np.random.default_rng(0)
    for person in Population().sample(rng, 300):
        text = caption(person, rng)
        for field in ("profession", "motif", "style"):
            for value in FIELDS[field]:
                assert value == getattr(person, field) or value not in text.split()


def test_prompts_name_only_what_is_asked() -> None:
    assert [asked.text for asked in prompts()] == [
        "an artist" if name == "artist" else f"a {name}" for name in FIELDS["profession"]
    ]
    both = prompts("tone", "gender")
    assert len(both) == 6 * 3 * 6
    assert len({asked.text for asked in both}) == len(both)
    assert both[0].fields == {"profession": "doctor", "gender": "woman", "tone": "none"}
    with pytest.raises(InputError, match="did you mean 'tone'"):
        prompts("tones")
