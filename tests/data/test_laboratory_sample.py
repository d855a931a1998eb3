"""The committed sample of the laboratory worlds is what the renderers draw."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.data import people, shapes

SAMPLE = Path(__file__).parents[1] / "sample" / "shapes"
ROWS = [json.loads(line) for line in (SAMPLE / "metadata.jsonl").read_text("utf-8").splitlines()]


def test_the_sample_is_small_and_whole() -> None:
    files = {path.name: path.stat().st_size for path in SAMPLE.iterdir()}
    assert sum(files.values()) < 600_000
    assert {row["file_name"] for row in ROWS} == set(files) - {"metadata.jsonl"}


@pytest.mark.parametrize("world", ["shapes-train", "shapes-pair", "people-train"])
def test_the_sample_is_drawn_again(world: str) -> None:
    rows = [row for row in ROWS if row["file_name"].startswith(world)]
    split = world.split("-")[1]
    drawn = people.examples(len(rows)) if "people" in world else shapes.examples(len(rows), split=split)
    for row, example in zip(rows, drawn, strict=True):
        assert row["file_name"] == f"{example.key}.png"
        assert tuple(row["captions"]) == example.captions
        assert row["split"] == example.split
        assert row["attributes"] == json.loads(json.dumps(example.attributes))
        with Image.open(SAMPLE / row["file_name"]) as picture:
            assert np.abs(np.asarray(picture).astype(int) - example.picture).max() <= 1
