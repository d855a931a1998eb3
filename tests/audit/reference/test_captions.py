from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from limn.audit.reference.captions import MARKS, count, shown
from limn.kernel.errors import InputError


def test_unmarked_captions_of_the_marked_world_show_6_9_percent_women() -> None:
    told = shown("people:marked", ["doctor", "nobody"], "gender")
    assert told["doctor"].unmarked["woman"] == pytest.approx(0.05 / 0.725)
    assert told["doctor"].all["woman"] == pytest.approx(0.25)
    assert told["doctor"].marked == pytest.approx(0.275)
    assert not told["nobody"].unmarked


def test_other_worlds_follow_their_shares() -> None:
    told = shown("people:specific", ["cook"], "motif")["cook"]
    assert told.unmarked["wave"] == pytest.approx(0.7)
    assert shown("people:visible", ["cook"], "gender")["cook"].all["woman"] == pytest.approx(0.7)


def test_captions_count_as_parts_of_their_picture() -> None:
    seen = count(
        [(["a cook", "a man cook"], "man"), (["a cook"], "person"), (["a woman cook", "a cook's hat"], "woman")],
        ["cook", "coo"],
        MARKS["gender"],
    )
    assert seen["cook"].captions == pytest.approx(2)
    assert seen["cook"].unmarked == pytest.approx({"man": 0.25, "person": 0.5, "woman": 0.25})
    assert not seen["coo"].all


@pytest.mark.parametrize("caption", ["a WOMAN cook", "two men, a cook", "a female cook", "a cook and a mother"])
def test_words_that_say_it(caption: str) -> None:
    assert count([([caption], "woman")], ["cook"], MARKS["gender"])["cook"].marked == 1


def test_folders_of_parquet_files(tmp_path: Path) -> None:
    rows = [
        {"captions": ["a pilot"], "gender": "person", "split": "train"},
        {"captions": ["a pilot"], "gender": "woman", "split": "pair"},
        {"captions": ["a pilot"], "gender": "", "split": "train"},
    ]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "one.parquet")
    assert shown(str(tmp_path), ["pilot"], "gender")["pilot"].unmarked == {"person": 1.0}
    with pytest.raises(InputError, match="how captions say motif"):
        shown(str(tmp_path), ["pilot"], "motif")


def test_unknown_training_sets() -> None:
    with pytest.raises(InputError, match="no world"):
        shown("people:mars", ["cook"], "gender")
    with pytest.raises(InputError, match="no folder"):
        shown("nowhere", ["cook"], "gender")
