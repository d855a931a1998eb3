"""Search by likeness: what a judge sees in the store's pictures, looked at once each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limn.models import dual_encoders
from limn.server.likeness import Likeness
from limn.store import Store, write_png
from servers import served


class Colours:
    """A judge that sees the mean colour, and reads the names of colours."""

    weights = "0" * 64

    def __init__(self) -> None:
        self.looked = 0

    def images(self, pictures: list[Any]) -> Any:
        self.looked += len(pictures)
        return np.stack([self._unit(np.asarray(picture).mean((0, 1))) for picture in pictures])

    def texts(self, texts: list[str]) -> Any:
        known = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
        return np.stack([self._unit(np.array(known[text], float)) for text in texts])

    def _unit(self, vector: Any) -> Any:
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Colours:
    one = Colours()
    monkeypatch.setattr(dual_encoders, "load", lambda name: one)
    return one


def filled(root: Path) -> list[Path]:
    paths = []
    for place, (name, colour) in enumerate({"red": (200, 9, 9), "green": (9, 200, 9), "blue": (9, 9, 200)}.items()):
        folder = root / "runs" / f"{place}0" / f"{place}0{'a' * 62}"
        folder.mkdir(parents=True)
        paths.append(folder / f"0000-{name}.png")
        write_png(paths[-1], np.full((8, 8, 3), colour, np.uint8), {"prompt": {"text": f"a {name} sky"}})
    return paths


def test_the_most_alike_come_first_with_what_they_were_drawn_by(tmp_path: Path, judge: Colours) -> None:
    paths = filled(tmp_path)
    likeness = Likeness(Store(tmp_path))
    rows = likeness.nearest("green", 2)
    assert rows[0]["prompt"] == "a green sky"
    assert len(rows) == 2
    assert rows[0]["score"] > 0.99 > rows[1]["score"]
    assert likeness.nearest(paths[2], 1)[0]["prompt"] == "a blue sky"


def test_a_picture_is_looked_at_once_and_a_damaged_one_is_passed_over(tmp_path: Path, judge: Colours) -> None:
    paths = filled(tmp_path)
    Likeness(Store(tmp_path)).nearest("red", 3)
    assert judge.looked == 3
    Likeness(Store(tmp_path)).nearest("red", 3)
    assert judge.looked == 3
    new = paths[0].with_name("0001-red.png")
    new.write_bytes(b"no picture")
    rows = Likeness(Store(tmp_path)).nearest("red", 9)
    assert len(rows) == 3
    paths[0].unlink()
    assert "a red sky" not in [row["prompt"] for row in Likeness(Store(tmp_path)).nearest("red", 9)]


def test_nothing_to_compare_with_is_refused(tmp_path: Path, judge: Colours) -> None:
    with served(tmp_path) as server, server.client() as client:
        for form in ({}, {"text": "  "}):
            answer = client.post("/api/likeness", json=form)
            assert answer.status_code == 422
            assert "give words or a picture" in answer.json()["error"]["message"]
