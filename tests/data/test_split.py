from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.data.picture_set import PictureSet
from limn.data.split import KNOWN, SPLITS, split_of, unit


@given(st.text())
def test_unit_is_a_number_below_one(text: str) -> None:
    assert 0 <= unit(text) < 1


def test_the_rule_never_changes() -> None:
    """A changed rule would let held-out pictures into training."""
    assert [int(unit(text) * 1e6) for text in ("", "a", "pair:1f34e")] == [889415, 791374, 28996]


def test_a_tenth_of_all_pairs_is_held_out_and_of_no_concept_two() -> None:
    counts: Counter[str] = Counter()
    for number in range(4000):
        held = [style for style in KNOWN if split_of(f"c{number}", style) == "pair"]
        assert len(held) <= 1
        counts.update(held)
    for style in KNOWN:
        assert counts[style] == pytest.approx(400, abs=80)


def test_a_tenth_of_all_cells_is_held_out_in_every_style() -> None:
    held = 0
    for number in range(3000):
        cell = (f"p{number}", "woman", "dark")
        parts = {split_of(f"c{number}", style, cell=cell) == "cell" for style in KNOWN}
        assert len(parts) == 1
        held += parts == {True}
    assert held == pytest.approx(300, abs=60)


def test_what_only_noto_draws_stays_in_training() -> None:
    assert {split_of(f"c{number}", "noto", version=16) for number in range(300)} == {"train"}
    assert "pair" in {split_of(f"c{number}", "noto", version=15) for number in range(300)}


def test_the_sample_follows_the_rule(sample: PictureSet) -> None:
    assert set(sample.columns["split"]) == set(SPLITS)
    train = sample.where(split="train").columns
    for name in ("label", "profession", "gender", "tone"):
        assert set(train[name]) == set(sample.columns[name])
    for example in sample.where(split="cell"):
        facts = example.attributes
        cell = (facts["profession"], facts["gender"], facts["tone"])
        assert not any(
            cell == found for found in zip(*(train[name] for name in ("profession", "gender", "tone")), strict=True)
        )
