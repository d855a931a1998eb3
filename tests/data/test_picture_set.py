from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from emoji_packages import SAMPLE
from limn.data.example import Example
from limn.data.picture_set import MANIFEST, PictureSet, gather, load, packed, pixels
from limn.data.split import SPLITS, STYLES
from limn.kernel.errors import DataError, InputError


def test_splits_and_styles_are_chosen(sample: PictureSet) -> None:
    parts = [load(SAMPLE, (split,)) for split in SPLITS]
    assert sum(map(len, parts)) == len(sample)
    assert all(set(part.columns["split"]) == {split} for part, split in zip(parts, SPLITS, strict=True))
    assert set(load(SAMPLE, styles=("noto", "flat")).columns["style"]) == {"noto", "flat"}


def test_packed_pictures_are_those_that_are_loaded(sample: PictureSet) -> None:
    columns = packed(SAMPLE, SPLITS)
    assert columns["key"] == sample.columns["key"]
    assert all((pixels(png) == each).all() for png, each in zip(columns["picture"], sample.pictures, strict=True))
    assert not packed(SAMPLE, ())["picture"]


def test_an_example_has_its_picture_and_facts(sample: PictureSet) -> None:
    place = sample.columns["key"].index("noto/1f34e")
    apple = sample[place]
    assert apple.key == "noto/1f34e"
    assert apple.picture.shape == (64, 64, 4)
    assert "a red apple" in apple.captions
    assert apple.attributes["subgroup"] == "food-fruit"
    assert (apple.on() == sample.on()[place]).all()
    assert (apple.on((0, 0, 255))[0, 0] == [0, 0, 255]).all()


def test_sets_can_be_narrowed_and_sliced(sample: PictureSet) -> None:
    dark = sample.where(tone="dark", style=("3d", "flat"))
    assert 0 < len(dark) < len(sample)
    assert set(dark.columns["tone"]) == {"dark"}
    assert [example.key for example in dark[1:3]] == dark.columns["key"][1:3]
    with pytest.raises(InputError, match="did you mean 'tone'"):
        sample.where(tones="dark")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'train'"):
        load(SAMPLE, ("trian",))
    with pytest.raises(InputError, match="did you mean 'twemoji'"):
        load(SAMPLE, styles=("twemoj",))


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="limn data build pictograms"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"noto\.parquet: no such file"):
        load(tmp_path, styles=("noto",))
    for style in STYLES:
        shutil.copy(SAMPLE / f"{style}.parquet", tmp_path)
    data = (tmp_path / "flat.parquet").read_bytes()
    (tmp_path / "flat.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"flat\.parquet: cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("there", [True, False])
def test_a_set_that_could_not_be_built_is_not_left_out_in_silence(tmp_path: Path, *, there: bool) -> None:
    folder = tmp_path / "data"
    shutil.copytree(SAMPLE, folder)
    notes = json.loads((folder / MANIFEST).read_text("utf-8"))
    notes["sets"]["flat"] = {"error": "was interrupted"}
    (folder / MANIFEST).write_text(json.dumps(notes))
    if not there:
        (folder / "flat.parquet").unlink()
    with pytest.raises(DataError, match=r"flat is not built \(was interrupted\); build it, or name the styles"):
        load(folder)
    assert set(load(folder, styles=("noto", "3d")).columns["style"]) == {"noto", "3d"}
    del notes["sets"]["flat"]  # a set that nobody asked for
    (folder / MANIFEST).write_text(json.dumps(notes))
    assert len(load(folder))
    (folder / MANIFEST).write_text("{")
    assert len(load(folder))


def test_an_empty_choice_is_empty() -> None:
    part = load(SAMPLE, ())
    assert len(part) == 0
    assert part.on().shape == (0, 64, 64, 3)


def test_examples_of_any_size_are_gathered() -> None:
    picture = np.full((10, 30, 3), 77, np.uint8)
    examples = [
        Example(key="a", picture=picture, captions=("one",), attributes={"x": 1, "y": 2}),
        Example(
            key="b", picture=np.dstack([picture, picture[..., 0]]), captions=("two", "three"), attributes={"x": 3}
        ),
    ]
    found = gather(iter(examples), 16)
    assert found.pictures.shape == (2, 16, 16, 4)
    assert found[0].attributes == {"x": 1}
    assert found[1].captions == ("two", "three")
    assert (found.pictures[0] == [77, 77, 77, 255]).all()
    assert len(gather([], 16)) == 0
