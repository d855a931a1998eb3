from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from emoji_packages import SAMPLE
from limn.data.picture_set import gather
from limn.data.readers import read
from limn.kernel.errors import DataError


def test_the_layout_is_recognised(tmp_path: Path) -> None:
    pairs, lines, shards = (tmp_path / name for name in ("pairs", "lines", "shards"))
    for folder in (pairs, lines, shards):
        folder.mkdir()
        Image.new("RGB", (8, 8), "red").save(folder / "a.png")
        (folder / "a.txt").write_text("a box", "utf-8")
    (lines / "metadata.jsonl").write_text('{"file_name": "a.png", "text": "a listed box"}', "utf-8")
    with tarfile.open(shards / "s.tar", "w") as tar:
        for name in ("a.png", "a.txt"):
            data = (shards / name).read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    for source, caption in (
        (pairs, "a box"),
        (lines, "a listed box"),
        (shards, "a box"),
        (shards / "s.tar", "a box"),
    ):
        (example,) = read(source)
        assert example.captions == (caption,)


def test_a_set_from_any_reader_can_be_trained_on() -> None:
    found = gather(read(SAMPLE / "flat.parquet"), 32)
    assert found.pictures.shape[1:] == (32, 32, 4)
    assert len(found.columns["captions"]) == len(found)


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        read(tmp_path / "absent")
