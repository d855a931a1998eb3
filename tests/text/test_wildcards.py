"""Choices in prompts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.studio.asking import decided
from limn.text.wildcards import SHIPPED, decide, has_choices, names


def test_every_piece_is_taken_as_often() -> None:
    count = Counter(decide("{a|b|c}", seed) for seed in range(3000))
    assert set(count) == {"a", "b", "c"}
    assert max(count.values()) - min(count.values()) < 200


def test_choices_stand_within_choices(tmp_path: Path) -> None:
    (tmp_path / "thing.txt").write_text("# a list\n{red|blue} __kind__\n")
    (tmp_path / "kind.txt").write_text("heart\n\n")
    assert {decide("a __thing__", seed, [tmp_path]) for seed in range(20)} == {"a red heart", "a blue heart"}


@pytest.mark.parametrize("text", ["a {heart}", "{}", "a (b:1.2)", "x_y__z", "____", "{a"])
def test_what_is_no_choice_stays(text: str) -> None:
    assert not has_choices(text)
    assert decide(text, 0) == text


def test_circles_and_explosions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("__b__")
    (tmp_path / "b.txt").write_text("x __a__")
    with pytest.raises(InputError, match="__a__ -> __b__ -> __a__ leads back"):
        decide("__a__", 0, [tmp_path])
    for place in range(12):
        (tmp_path / f"c{place}.txt").write_text(f"__c{place + 1}__ __c{place + 1}__")
    (tmp_path / "c12.txt").write_text("x")
    with pytest.raises(InputError, match="1000 choices"):
        decide("__c0__", 0, [tmp_path])
    assert decide("{a|b}" * 40, 1) == decide("{a|b}" * 40, 1)  # one of 2**40, none of which is listed


def test_missing_and_empty_lists_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match="did you mean 'animal'"):
        decide("__animals__", 0)
    with pytest.raises(InputError, match="empty"):
        decide("__empty__", 0, [tmp_path])


def test_shipped_lists_hold_choices() -> None:
    assert names() == ["animal", "colour", "food"]
    for name in names():
        assert decide(f"__{name}__", 3, [SHIPPED])


def test_each_picture_has_its_own_choice_and_seed() -> None:
    rows, n = decided([{"prompt": Prompt("a {red|blue} heart")}], 3, 7)
    assert n == 1
    assert [row["seed"] for row in rows] == [7, 8, 9]
    assert [row["prompt"].text for row in rows] == [decide("a {red|blue} heart", seed) for seed in (7, 8, 9)]
    assert decided([{"prompt": Prompt("a heart")}], 3, 7) == ([{"prompt": Prompt("a heart")}], 3)
    with pytest.raises(InputError, match="n:"):
        decided([{"prompt": Prompt("{a|b}")}], 10**12, 0)
