"""Every format opens in the tools that it is for, with the same pictures, classes and records."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.data.readers import read
from limn.kernel.errors import InputError
from limn.store import read_record
from limn.synth.export import FORMS
from limn.synth.labelled import read_labelled
from limn.synth.making import Choice
from made_sets import SHAPES, make_set

SPLITS = {"train": 0.5, "test": 0.5}


def expected(made: object) -> dict[str, tuple[str, bytes]]:
    rows = {row.key: row for row in made.table.rows if row.key in made.chosen.splits}  # type: ignore[attr-defined]
    return {key: (row.group, made.table.load(row).tobytes()) for key, row in rows.items()}  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", sorted(FORMS))
def test_limn_reads_what_it_writes(tmp_path: Path, form: str) -> None:
    made = make_set(tmp_path / "set", 8, choice=Choice(form=form, splits=SPLITS))
    known = read_labelled(tmp_path / "set", SHAPES)
    assert len(known) == made.record["kept"]
    assert sorted((label, one.tobytes()) for label, one in zip(known.labels, known.pictures, strict=True)) == sorted(
        expected(made).values()
    )


def test_datasets_opens_the_image_folder(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = make_set(tmp_path / "set", 8, choice=Choice(splits=SPLITS))
    opened = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "set" / "data"), cache_dir=str(tmp_path / "c")
    )
    rows = [row for split in opened.values() for row in split]
    assert {split: len(part) for split, part in opened.items()} == made.record["splits"]
    assert {row["key"]: (row["class"], np.asarray(row["image"]).tobytes()) for row in rows} == expected(made)
    assert all(row["label"] == SHAPES.index(row["class"]) for row in rows)
    first = next((tmp_path / "set" / "data" / "train").rglob("*.png"))
    assert read_record(first)["audit"]["key"].startswith(first.stem), "a picture keeps its record"


def test_datasets_opens_parquet_with_pictures_and_names_of_classes(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = make_set(tmp_path / "set", 8, choice=Choice(form="parquet", splits=SPLITS))
    opened = datasets.load_dataset("parquet", data_dir=str(tmp_path / "set" / "data"), cache_dir=str(tmp_path / "c"))
    assert opened["train"].features["label"].names == list(SHAPES)
    rows = [row for split in opened.values() for row in split]
    assert {row["key"]: (row["class"], np.asarray(row["image"]).tobytes()) for row in rows} == expected(made)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # datasets leaves shards open
def test_datasets_and_webdataset_open_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    datasets = pytest.importorskip("datasets")
    made = make_set(tmp_path / "set", 8, choice=Choice(form="webdataset"))
    shards = [str(path) for path in sorted((tmp_path / "set" / "data").glob("*.tar"))]
    rows = list(webdataset.WebDataset(shards, shardshuffle=False))
    found = {}
    for row in rows:
        facts = json.loads(row["json"])
        found[facts["key"]] = (facts["class"], np.asarray(Image.open(io.BytesIO(row["png"]))).tobytes())
        assert int(row["cls"]) == SHAPES.index(facts["class"])
    assert found == expected(made)
    opened = datasets.load_dataset("webdataset", data_files={"train": shards}, cache_dir=str(tmp_path / "c"))[
        "train"
    ]
    assert {row["json"]["key"] for row in opened} == set(found)


def test_another_format_takes_the_place_of_the_first(tmp_path: Path) -> None:
    make_set(tmp_path / "set", 4)
    before = list(read(tmp_path / "set" / "data" / "train"))
    make_set(tmp_path / "set", 4, choice=Choice(form="parquet"))
    assert [path.name for path in (tmp_path / "set" / "data").iterdir()] == ["train-00000.parquet"]
    assert len(list(read(tmp_path / "set" / "data"))) == len(before)
    with pytest.raises(InputError, match="format"):
        make_set(tmp_path / "set", 4, choice=Choice(form="lmdb"))
