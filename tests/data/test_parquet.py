from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from emoji_packages import SAMPLE
from limn.data.parquet import read_parquet
from limn.data.picture_set import PictureSet
from limn.data.report import Report
from limn.kernel.errors import DataError, InputError
from limn.synth.labelled import read_labelled


def png(colour: str = "red") -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(sink, "PNG")
    return sink.getvalue()


def table(path: Path, **columns: list[object]) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def test_the_hugging_face_layout(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", image=[{"bytes": png(), "path": "/etc/passwd"}], text=["a box"], label=[4])
    (example,) = read_parquet(path)
    assert (example.key, example.captions, example.attributes) == ("a/0", ("a box",), {"label": 4})


def test_classes_of_the_datasets_library_are_names_and_captions(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as Pictures

    features = Features({"image": Pictures(), "label": ClassLabel(names=["cat", "red apple"])})
    rows = {"image": [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")], "label": [1, 0, 1]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "a.parquet")
    read = list(read_parquet(tmp_path / "a.parquet"))
    assert [example.captions for example in read] == [("red apple",), ("cat",), ("red apple",)]
    assert [example.attributes for example in read] == [
        {"label": "red apple"},
        {"label": "cat"},
        {"label": "red apple"},
    ]
    labelled = read_labelled(tmp_path / "a.parquet", ["cat", "red apple"])
    assert labelled.labels == ("red apple", "cat", "red apple")


def test_other_columns_can_be_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", photo=[png()], words=[["one", "two"]])
    (example,) = read_parquet(path, picture="photo", caption="words", size=4)
    assert example.captions == ("one", "two")
    assert example.picture.shape == (4, 4, 3)
    with pytest.raises(InputError, match="did you mean 'photo'"):
        list(read_parquet(path, picture="foto", caption="words"))
    with pytest.raises(InputError, match="unknown picture column"):
        list(read_parquet(path))


def test_our_own_files_are_read_too(sample: PictureSet) -> None:
    found = list(read_parquet(SAMPLE / "noto.parquet"))
    own = sample.where(style="noto")
    assert [example.key for example in found] == own.columns["key"]
    assert (found[3].picture == own[3].picture).all()
    assert found[3].captions == own[3].captions
    assert found[3].attributes["label"] == own[3].attributes["label"]


def test_rows_without_picture_or_caption_are_left_out(tmp_path: Path) -> None:
    pictures: list[object] = [{"bytes": png(), "path": None}] * 60
    texts: list[object] = ["a box"] * 60
    pictures[5], pictures[6], texts[7] = {"bytes": None, "path": "/etc/passwd"}, {"bytes": b"x", "path": ""}, None
    report = Report()
    assert len(list(read_parquet(table(tmp_path / "a.parquet", image=pictures, text=texts), report=report))) == 57
    assert report.reasons == {"no picture": 1, "unreadable picture": 1, "no caption": 1}


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read as Parquet"):
        list(read_parquet(tmp_path))
