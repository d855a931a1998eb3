"""Parts as text, as records, and back."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import registry
from limn.kernel.errors import InputError


@given(
    scale=st.floats(0, 100),
    against=st.text(st.characters(blacklist_categories=["Cs"]), max_size=30),
)
def test_a_part_is_its_record(scale: float, against: str) -> None:
    part = ClassifierFree(scale=scale, against=against)
    assert registry.build("guidance", json.loads(json.dumps(registry.record(part)))) == part


def test_text_with_quotes_and_commas() -> None:
    part = registry.parse("guidance", "classifier_free:scale=3, against='a, b=c'")
    assert part == ClassifierFree(scale=3.0, against="a, b=c")


def test_an_apostrophe_is_no_quote() -> None:
    part = registry.parse("guidance", "classifier_free:against=a dog's nose,scale=2")
    assert part == ClassifierFree(scale=2.0, against="a dog's nose")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clasifier_free", "did you mean 'classifier_free'"),
        ("../../etc/passwd", "unknown guidance"),
        ("__init__", "unknown guidance"),
        ("classifier_free:scal=3", "did you mean 'scale'"),
        ("classifier_free:scale", "has no '='"),
        ("classifier_free:scale=nan", "finite number"),
        ("classifier_free:scale=1e309", "finite number"),
        ("classifier_free:scale=-1", "from 0 to 100"),
        ("classifier_free:against='x", "quote"),
        ("", "unknown guidance"),
    ],
)
def test_bad_text_says_what_to_do(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        registry.parse("guidance", text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_a_part_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        registry.parse("guidance", text)


def test_an_option_without_default_is_asked_for() -> None:
    with pytest.raises(InputError, match="reader noisy: needs reader and field and rates; write noisy:reader="):
        registry.parse("readers", "noisy")
