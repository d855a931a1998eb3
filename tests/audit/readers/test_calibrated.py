"""A reader whose errors are counted on labelled pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from limn.audit.readers.calibrated import Calibrated
from limn.audit.readers.people import People
from limn.audit.readers.reader import open_reader
from limn.data.people import Person, render
from limn.kernel import registry
from limn.kernel.errors import InputError


@pytest.fixture
def four(tmp_path: Path) -> Path:
    for k, gender in enumerate(("woman", "woman", "man", "neutral")):
        person = Person(profession="cook", gender=gender, tone="none", motif="wave", style="flat")
        Image.fromarray(render(person)).save(tmp_path / f"{k}.png")
    return tmp_path


def table(folder: Path, text: str) -> Calibrated:
    (folder / "labels.csv").write_text(text)
    return Calibrated(reader=People(), labels=str(folder / "labels.csv"))


def test_errors_are_counted_on_what_most_people_say(four: Path) -> None:
    reader = table(
        four,
        "file,prompt,gender:ann,gender:ben\n0.png,a,woman,woman\n1.png,a,man,man\n2.png,a,man,woman\n3.png,a,?,\n",
    )
    matrix = reader.confusion["gender"]
    assert matrix.counts.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert matrix.source == "2 pictures of labels.csv that people labelled"
    assert (reader.name, reader.version, reader.fields) == ("people", People().version, People().fields)
    assert reader.read([]) == []


def test_it_is_an_option_of_the_command_line(four: Path) -> None:
    table(four, "file,gender\n0.png,woman\n")
    reader = open_reader(f"calibrated:reader=people,labels={four}/labels.csv")
    assert registry.build("readers", registry.record(reader)) == reader
    reader.rehearse()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gender\nwoman\n", "has no column file"),
        ("file,mood\n0.png,calm\n", "people does not read mood"),
        ("file,gender\n0.png,female\n", "line 2: gender 'female'; the reader says woman, man, neutral"),
        ("file,gender\n9.png,woman\n", "line 2: there is no .*9.png"),
        ("file,gender\n0.png,?\n", "labels nothing that people reads"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(four: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table(four, text).rehearse()
