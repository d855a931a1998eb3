"""What is chosen: exact counts, reasons in order, and no leak between splits or from a test set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.store import write_png
from limn.synth.choosing import FAILED, JUDGED, LEAK, TWIN, read_splits
from limn.synth.making import Choice
from limn.synth.near import Prints
from made_sets import SHAPES, make_set, picture


def test_counts_are_exact_and_every_picture_has_one_reason(tmp_path: Path) -> None:
    for seed in range(20):
        path = tmp_path / "test" / "circle" / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, picture("circle", seed), {})
    choice = Choice(judged=True, against=(tmp_path / "test",), splits={"train": 0.75, "test": 0.25})
    made = make_set(tmp_path / "set", 20, noise=0.3, choice=choice)
    counts = made.record["classes"]
    assert all(sum(row.values()) == 20 for row in counts.values())
    assert made.record["left_out"][FAILED] == 3, "seed 3 of each class fails"
    assert made.record["left_out"][JUDGED] > 5
    assert counts["circle"].get(LEAK, 0) > 5
    assert sum(made.record["left_out"].values()) + made.record["kept"] == made.record["asked"] == 60
    for shape in SHAPES:
        kept = counts[shape].get("train", 0) + counts[shape].get("test", 0)
        assert counts[shape].get("train", 0) == round(0.75 * kept)
    assert Counter(made.chosen.splits.values()) == made.record["splits"]
    groups = {
        split: [row for row in made.table.rows if made.chosen.splits.get(row.key) == split]
        for split in ("train", "test")
    }
    train, test = (Prints([made.table.load(row) for row in groups[split]]) for split in ("train", "test"))
    assert not any(len(near) for near in test.near(train)), "no picture stands in two splits"


def test_twins_stay_where_they_are_wanted(tmp_path: Path) -> None:
    whole = make_set(tmp_path / "a", 20, choice=Choice(twins=False))
    once = make_set(tmp_path / "b", 20)
    assert whole.record["left_out"][TWIN] == 0
    assert whole.record["kept"] == 57 == once.record["kept"] + once.record["left_out"][TWIN]


@pytest.mark.parametrize("text", ["train=0.5", "train=x", "a b=1", "train=1.5,test=-0.5", ""])
def test_shares_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="splits"):
        read_splits(text)
