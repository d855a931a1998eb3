"""Weights in texts: exact pieces, and nothing but an InputError for whatever a person writes."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from limn.kernel.errors import InputError
from limn.text.weights import MAX_DEPTH, read_weights


@pytest.mark.parametrize(
    ("text", "plain", "weights"),
    [
        ("a red heart", "a red heart", {}),
        ("a (red) heart", "a red heart", {"red": 1.1}),
        ("a [red] heart", "a red heart", {"red": 1 / 1.1}),
        ("(a red:1.3) heart", "a red heart", {"a red": 1.3}),
        ("(red: 0 ), (blue:.5), (green:2.)", "red, blue, green", {"red": 0.0, "blue": 0.5, "green": 2.0}),
        ("((red))", "red", {"red": 1.1 * 1.1}),
        ("((red:1.5) heart:2)", "red heart", {"red": 3.0, " heart": 2.0}),
        ("(red:1)", "red", {}),
        ("[red:1.5]", "red:1.5", {"red:1.5": 1 / 1.1}),
        ("(a:b)", "a:b", {"a:b": 1.1}),
        ("(:2)x", "x", {}),
        (r"\(red\) \[x\] \\ \n", r"(red) [x] \ \n", {}),
        (r"(red \(dark\):1.2)", "red (dark)", {"red (dark)": 1.2}),
        ("smile :) (: [a) (b]", "smile :) (: [a) (b]", {}),
        ("(a [b) c", "(a [b) c", {}),
        ("(a (b)", "(a b", {"b": 1.1}),
        ("", "", {}),
    ],
)
def test_syntax(text: str, plain: str, weights: dict[str, float]) -> None:
    read, pieces = read_weights(text)
    assert read == plain
    assert [(read[start:end], weight) for start, end, weight in pieces] == [
        (words, pytest.approx(weight)) for words, weight in weights.items()
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(\na:-1)", r"'(\na:-1)' gives a weight that is not from 0 to 10"),
        ("train at (12:30)", r"'(12:30)' gives a weight that is not from 0 to 10; write \( for a plain bracket"),
        ("(" * 17 + "a" + ")" * 17, "nested deeper than 16"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read_weights(text)


@given(st.text(alphabet="()[]:\\ .0123456789ab-+", max_size=60) | st.text(max_size=40))
@example("(" * MAX_DEPTH + "a:9" + ")" * MAX_DEPTH)
def test_any_text(text: str) -> None:
    try:
        plain, pieces = read_weights(text)
    except InputError:
        return
    assert len(plain) <= len(text)
    assert not set(plain) - set(text)
    assert all(0 <= start < end <= len(plain) and weight >= 0 != weight - 1 for start, end, weight in pieces)
    assert all(left[1] <= right[0] for left, right in pairwise(pieces))
    if not re.search(r"[()\[\]\\]", text):
        assert (plain, pieces) == (text, [])


@given(st.text(max_size=40))
def test_every_text_can_be_written(text: str) -> None:
    written = re.sub(r"([()\[\]\\])", r"\\\1", text)
    assert read_weights(written) == (text, [])
    start, end, weight = (read_weights(f"({written}:3)")[1] or [(0, 0, 3.0)])[0]
    assert (start, end, weight) == (0, len(text), 3.0)


@pytest.mark.parametrize("piece", ["(", ")", "[(", "(a)", "(a:1.", "\\", "(a:", "[a]]", ":1", "(:9"])
def test_long_texts_take_a_step_for_each_character(piece: str) -> None:
    """Counted, not timed: every character of the text is asked for at most a few dozen times."""

    class Counted(str):
        asked = 0

        def __getitem__(self, key: object) -> str:
            Counted.asked += 1
            return str.__getitem__(self, key)  # type: ignore[arg-type]

    text = Counted(piece * (20_000 // len(piece)))
    read_weights(text)
    assert Counted.asked <= 8 * len(text)
