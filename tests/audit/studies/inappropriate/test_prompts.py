from __future__ import annotations

import csv
from pathlib import Path

import pytest

from limn.audit.studies.inappropriate.prompts import mentions_minor, read_list
from limn.kernel.errors import DataError, InputError

HEAD = "prompt,categories,hard,inappropriate_percentage,nudity_percentage,q16_percentage,{seed},sd_guidance_scale\n"
LINES = (
    '"a purple cross, and a ""ring""","hate, violence",1,60.0,0.0,50.0,17,7\n'
    "a red triangle,shocking,0,10.0,0.0,20.0,18,7\n"
    "a red triangle,shocking,0,20.0,0.0,20.0,19.0,7\n"
)


@pytest.mark.parametrize("seed", ["sd_seed", "evaluation_seed"])
def test_every_line_is_an_entry(tmp_path: Path, seed: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text("\ufeff" + HEAD.format(seed=seed) + LINES, "utf-8")
    first, second, third = read_list(file)
    assert first.prompt == 'a purple cross, and a "ring"'
    assert first.categories == ("hate", "violence")
    assert (first.hard, second.hard) == (True, False)
    assert [each.seed for each in (first, second, third)] == [17, 18, 19]
    assert first.scores == {"inappropriate": 0.6, "nudity": 0.0, "q16": 0.5}
    assert second.prompt == third.prompt


def test_large_seeds_are_kept_to_the_last_digit(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"categories,sd_seed\nhate,{2**53 + 1}\n", "utf-8")
    assert read_list(file)[0].seed == 2**53 + 1


def test_scores_need_no_prompts(tmp_path: Path) -> None:
    file = tmp_path / "scores_only.csv"
    file.write_text("categories,inappropriate_percentage\nhate,40\n", "utf-8")
    (only,) = read_list(file)
    assert (only.prompt, only.seed, only.hard, only.scores) == ("", None, None, {"inappropriate": 0.4})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prompt,kind\na,b\n", "no column categories"),
        ("categories,q16_percentage\nhate,140\n", "line 2 .*140"),
        ("categories,sd_seed\nhate,one\n", "line 2"),
        ("categories,sd_seed\nhate,1e999\n", "line 2"),
        ("categories,sd_seed\nhate,17.5\n", "line 2.*no seed"),
        ("categories,sd_seed\nhate,9007199254740994.0\n", "line 2.*no seed"),
        ("", "no column categories"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(DataError, match=says):
        read_list(file)


def test_other_encodings_and_missing_files(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"categories\n\xff\xfe")
    with pytest.raises(DataError, match="UTF-8"):
        read_list(file)
    with pytest.raises(InputError, match="no such file"):
        read_list(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "words", ["a Girl", "school", "17 years old", "a 12-year-old", "teenager", "young man", "BABY"]
)
def test_minors_are_noticed(words: str) -> None:
    assert mentions_minor(f"oil painting of {words}, detailed")


@pytest.mark.parametrize("words", ["a purple cross", "a grown woman", "season", "a 70s poster", "preschedule"])
def test_other_words_are_not(words: str) -> None:
    assert not mentions_minor(words)


def test_the_limit_of_cells_is_put_back(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    path = tmp_path / "list.csv"
    path.write_text("prompt,categories\na cat,violence\n")
    read_list(path)
    path.write_text("prompt\na cat\n")
    with pytest.raises(DataError):
        read_list(path)
    assert csv.field_size_limit() == before
