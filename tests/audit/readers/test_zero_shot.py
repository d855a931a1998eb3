"""A dual encoder as a reader, by phrases."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from limn.audit.readers.reader import Reader, open_reader
from limn.audit.readers.zero_shot import ZeroShot
from limn.data import people
from limn.kernel.errors import InputError


def test_phrases_choose_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"red": [1, 0, 0], "blue": [0, 0, 1], "nothing": [0, 1, 0]}

    def load(name: str) -> Any:
        return SimpleNamespace(
            weights="w",
            scale=10.0,
            texts=lambda texts: np.array([places[each] for each in texts], np.float32),
            images=lambda pictures: np.stack([p[0, 0] / np.linalg.norm(p[0, 0].astype(float)) for p in pictures]),
        )

    monkeypatch.setattr("limn.models.dual_encoders.load", load)
    reader = ZeroShot.of({"colour": {"red": ["red"], "blue": ["blue"], "": ["nothing"]}}, threshold=0.7)
    assert reader.fields == {"colour": ("red", "blue")}
    colours = [(255, 0, 0), (0, 10, 200), (0, 255, 0), (200, 0, 190)]
    said = reader.read([np.full((4, 4, 3), each, np.uint8) for each in colours])
    assert [each.values["colour"] for each in said] == ["red", "blue", None, None]
    assert all(0 < each.confidence["colour"] <= 1 for each in said)
    other = ZeroShot.of({"colour": {"red": ["red"], "blue": ["blue"]}})
    assert reader.version != other.version


def test_phrases_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    for phrases, message in {
        "gone.json": "no file",
        str(tmp_path / "list.json"): "cannot be read",
        json.dumps({"gender": {"woman": ["a woman"]}}): "one value",
        json.dumps({"gender": {"woman": [], "man": ["a man"]}}): "no phrases",
    }.items():
        with pytest.raises(InputError, match=message):
            _ = ZeroShot(phrases=phrases).fields
    with pytest.raises(InputError, match="threshold"):
        ZeroShot(threshold=2)


def test_phrases_may_be_a_toml_file(tmp_path: Path) -> None:
    (tmp_path / "words.toml").write_text('[gender]\nwoman = ["a woman"]\nman = ["a man"]\n"" = ["food"]\n')
    reader = open_reader(f"zero_shot:{tmp_path}/words.toml")
    assert reader.fields == {"gender": ("woman", "man")}
    (tmp_path / "words.toml").write_text('[gender]\nwoman = "a woman"\n')
    with pytest.raises(InputError, match="give a list of phrases"):
        _ = open_reader(f"zero_shot:{tmp_path}/words.toml").fields


def test_sigmoid_scores_are_probabilities_to_fit_each_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = SimpleNamespace(
        weights="w", scale=10.0, bias=-5.0,
        texts=lambda texts: np.array([{"red": [1, 0], "blue": [0, 1]}[text] for text in texts], np.float32),
        images=lambda pictures: np.stack([np.array([0.6, 0.4]) for _ in pictures]),
    )  # fmt: skip
    monkeypatch.setattr("limn.models.dual_encoders.load", lambda name: encoder)
    reader = ZeroShot.of({"colour": {"red": ["red"], "blue": ["blue"]}}, scores="sigmoid", threshold=0.7)
    (reading,) = reader.read([np.zeros((4, 4, 3), np.uint8)])
    assert reading.confidence["colour"] == pytest.approx(1 / (1 + np.exp(-1)))
    assert (reading.values["colour"], reading.likely["colour"]) == ("red", "red")
    encoder.bias = None
    with pytest.raises(InputError, match="leave scores=softmax"):
        ZeroShot(scores="sigmoid").rehearse()


def test_a_judge_reads_by_phrases() -> None:
    pictures, _ = people.batch(np.random.default_rng(0), 3)
    reader = open_reader("zero_shot:model=judge_b,threshold=0")
    assert isinstance(reader, Reader)
    assert all(each.values["gender"] in ("woman", "man", None) for each in reader.read(list(pictures)))
