"""Pictures with classes: folders by class, with splits, columns of domains; what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from limn.kernel.errors import DataError, InputError
from limn.store import write_png
from limn.synth.labelled import class_names, read_labelled
from made_sets import SHAPES, picture


def test_folders_by_class_with_and_without_splits(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for shape in SHAPES[:2]:
            folder = tmp_path / split / shape
            folder.mkdir(parents=True)
            write_png(folder / "0.png", picture(shape, 1), {})
    known = read_labelled(tmp_path, SHAPES)
    assert known.labels == ("circle", "square") * 2
    assert read_labelled(tmp_path, SHAPES, split="test").keys == ("test/circle/0.png", "test/square/0.png")
    assert read_labelled(tmp_path / "train", ["square"], size=16).pictures[0].shape == (16, 16, 3)
    assert class_names(tmp_path) == ("circle", "square")
    assert np.array_equal(known.take([1]).pictures[0], picture("square", 1))


def test_columns_say_class_and_domain(tmp_path: Path) -> None:
    lines = []
    for k, shape in enumerate(SHAPES):
        write_png(tmp_path / f"{k}.png", picture(shape, k), {})
        lines.append(json.dumps({"file_name": f"{k}.png", "text": shape, "label": shape, "style": f"s{k}"}))
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    assert read_labelled(tmp_path, SHAPES, domain="style").domains == ("s0", "s1", "s2")
    with pytest.raises(InputError, match="has no mood"):
        read_labelled(tmp_path, SHAPES, domain="mood")
    with pytest.raises(InputError, match="no pictures of cat"):
        read_labelled(tmp_path, ["cat"])
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1\.png"):
        read_labelled(tmp_path, SHAPES)
    with pytest.raises(DataError, match="no such folder"):
        read_labelled(tmp_path / "none", SHAPES)
