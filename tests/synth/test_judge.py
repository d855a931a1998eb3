"""Judges: any reader whose words fit, its errors counted on real pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.store import write_png
from limn.synth.classes import Classes, Thing
from limn.synth.judge import open_judge
from made_sets import SHAPES, classes, judge, picture


def real(folder: Path) -> Path:
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True)
        for seed in range(5):
            write_png(folder / shape / f"{seed}.png", picture(shape, seed), {})
    return folder


def test_the_field_with_the_words_is_found_and_errors_are_counted(tmp_path: Path) -> None:
    assert judge().field == "shape"
    counted = open_judge("shapes", classes(), real=real(tmp_path / "real"))
    matrix = counted.reader.confusion["shape"]
    places = [matrix.values.index(shape) for shape in SHAPES]
    assert [int(matrix.counts[k, k]) for k in places] == [5, 5, 5]
    assert counted.reader.name == judge().reader.name


def test_words_that_the_judge_lacks_are_named() -> None:
    cats = Classes(things=(Thing(label="cat", name="cat", value="cat"), Thing(label="dog", name="dog", value="dog")))
    with pytest.raises(InputError, match="no word for cat, dog"):
        open_judge("shapes", cats)
    with pytest.raises(InputError, match="no word for"):
        open_judge("shapes", classes(), field="colour")
    same = Classes(things=tuple(Thing(label=name, name=name, value="circle") for name in ("a", "b")))
    with pytest.raises(InputError, match="one value"):
        open_judge("shapes", same)


def test_zero_shot_reads_the_words_of_the_classes() -> None:
    things = (Thing(label="red", name="red heart", value="red"), Thing(label="dog", name="dog", value="dog"))
    opened = open_judge("zero_shot:threshold=0.1", Classes(things=things))
    assert opened.reader.fields == {"class": ("red", "dog")}
    assert opened.labels == {"red": "red", "dog": "dog"}
