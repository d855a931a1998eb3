"""The verbs of ``limn synth`` in one walk: make, check, intervene, train, compare; and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import made_sets
from limn.synth.hand_check import name_of
from limn.synth.making import open_set

CLASSES = 'styles = ["a flat {}"]\n[classes.circle]\nhypernym = "shape"\n[classes.square]\n'


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A class file, and real pictures of two classes, for learning and for tests."""
    from PIL import Image

    (tmp_path / "classes.toml").write_text(CLASSES)
    for part, first in (("real", 0), ("test", 100)):
        for shape in ("circle", "square"):
            (tmp_path / part / shape).mkdir(parents=True)
            for seed in range(first, first + 12):
                picture = made_sets.picture(shape, seed)
                Image.fromarray(picture).save(tmp_path / part / shape / f"{seed}.png")
    return tmp_path


def test_a_walk_from_a_class_file_to_what_it_is_worth(limn, given: Path) -> None:
    made = limn("synth", "make", "classes.toml", "--out", "set", "-n", 4, "--steps", 2, "--keep-twins",
                "--recipe", "style", "--seeds", "content", "--splits", "train=0.5,test=0.5")  # fmt: skip
    assert (made.code, made.lines) == (0, ["set/data"]), made.err
    record = json.loads((given / "set" / "set.json").read_text())
    assert (record["asked"], record["kept"], record["splits"]) == (8, 8, {"train": 4, "test": 4})
    again = limn("synth", "make", "classes.toml", "--out", "set", "-n", 4, "--steps", 2, "--keep-twins",
                 "--recipe", "style", "--seeds", "content", "--splits", "train=0.5,test=0.5")  # fmt: skip
    assert again.code == 0
    key = next(iter(record["pictures"]))
    of_set = name_of(open_set(given / "set"))
    (given / "answers.json").write_text(json.dumps({"set": of_set, "answers": {key: "wrong"}}))
    checked = limn("synth", "check", "set", "--answers", "answers.json")
    assert (checked.code, checked.lines) == (0, ["set/report.html"]), checked.err
    assert "1 pictures by hand" in (given / "set" / "report.html").read_text()

    trained = limn("synth", "train", "real", "--test", "test", "--out", "w.safetensors", "--epochs", 1, "--size", 16)
    assert (trained.code, trained.lines) == (0, ["w.safetensors"]), trained.err
    assert "24 pictures of 2 classes" in trained.err

    (given / "plan.toml").write_text('numbers = [3]\nepochs = 1\nseeds = 2\nclassifiers = ["residual:width=4"]\n')
    words = ("synth", "compare", "real", "set", "--test", "seen=test", "--recipe", "plan.toml", "--out", "c")
    compared = limn(*words, "--size", 16)
    assert compared.code == 0, compared.err
    results = sorted((given / "c" / "results").iterdir())
    assert len(results) == 2 * len(("real", "set", "real + set", "randaugment", "mixup"))
    before = [path.stat().st_mtime_ns for path in results]
    assert limn(*words, "--size", 16).code == 0
    assert [path.stat().st_mtime_ns for path in results] == before, "nothing is learned twice"


def test_pictures_are_retrieved_with_their_class(limn, given: Path) -> None:
    done = limn("synth", "intervene", "real", "--to", "a {class}", "--out", "changed", "--keep-twins",
                "--how", "retrieval:pool=test")  # fmt: skip
    assert done.code == 0, done.err
    record = json.loads((given / "changed" / "set.json").read_text())
    assert {label: row["train"] for label, row in record["classes"].items()} == {"circle": 12, "square": 12}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["make", "classes.toml", "--out", "o", "--recipe", "nmae"], "did you mean 'name'"),
        (["make", "classes.toml", "--out", "o", "--recipe", "name_definition"], "definition"),
        (["make", "classes.toml", "--out", "o", "--seeds", "words"], "seeds"),
        (["make", "classes.toml", "--out", "o", "--filter"], "--judge"),
        (["make", "classes.toml", "--out", "o", "--format", "zip"], "format"),
        (["make", "classes.toml", "--out", "o", "--splits", "train=2"], "splits"),
        (["make", "classes.toml", "--out", "o", "--engine", "spark"], "engine"),
        (["intervene", "real", "--to", "a drawing", "--out", "o"], "{class}"),
        (["check", "nowhere"], "nowhere"),
        (["train", "real", "--test", "test", "--out", "w.safetensors", "--augment", "flip"], "augmentation"),
        (["compare", "real", "real", "--test", "test"], "two have one name"),
        (["compare", "real"], "test"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(limn, given: Path, arguments: list[str], said: str) -> None:
    before = {path for path in given.rglob("*") if path.is_file()}
    result = limn("synth", *arguments)
    assert result.code == 2, result.err
    assert said in result.err
    assert result.err.splitlines()[-1].startswith("limn: error: ")
    assert {path for path in given.rglob("*") if path.is_file() and path.name != ".lock"} == before
