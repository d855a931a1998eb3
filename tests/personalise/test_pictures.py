"""Pictures as people have them: turned, see-through, printed, deep, tiny, or none at all."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lessons import pictures
from limn.kernel.errors import DataError, InputError
from limn.personalise.pictures import read


def halves(left: int, right: int) -> Image.Image:
    """A wide picture, one grey on the left, another on the right."""
    grey = np.full((20, 40, 3), left, np.uint8)
    grey[:, 20:] = right
    return Image.fromarray(grey)


def test_a_turned_photograph_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right to see it upright
    halves(0, 200).save(tmp_path / "phone.png", exif=exif)
    (one,) = read([tmp_path / "phone.png"])
    assert one.picture.size == (20, 40)
    upright = np.asarray(one.picture)
    assert upright[:18].max() < 20 < 180 < upright[22:].min()


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 20), (10, 20, 30, 0)).save(tmp_path / "clear.png")
    (one,) = read([tmp_path / "clear.png"])
    assert one.picture.mode == "RGB"
    assert np.asarray(one.picture).min() == 255


def test_print_colours_and_deep_greys_are_converted(tmp_path: Path) -> None:
    Image.new("CMYK", (20, 20), (0, 255, 255, 0)).save(tmp_path / "print.jpg", quality=95)
    Image.fromarray(np.full((20, 20), 65535 // 2, np.uint16)).save(tmp_path / "deep.png")
    printed, deep = read([tmp_path / "print.jpg", tmp_path / "deep.png"])
    red, green, blue = np.asarray(printed.picture).reshape(-1, 3).mean(0)
    assert red > 200 > 60 > max(green, blue)
    assert abs(np.asarray(deep.picture).astype(int) - 127).max() <= 1


def test_what_is_no_picture_or_too_small_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("a list of things to buy")
    Image.new("RGB", (15, 400)).save(tmp_path / "thin.png")
    with pytest.raises(DataError, match=r"notes\.png: not a readable"):
        read([tmp_path / "notes.png"])
    with pytest.raises(DataError, match=r"thin\.png: 15 x 400 pixels"):
        read([tmp_path / "thin.png"])
    with pytest.raises(InputError, match=r"gone\.png"):
        read([tmp_path / "gone.png"])


def test_of_large_photographs_only_what_a_model_sees_is_kept(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 3000)).save(tmp_path / "large.jpg")
    (one,) = read([tmp_path / "large.jpg"])
    assert one.picture.size == (1024, 768)
    assert one.square(20, 30).shape == (20, 30, 3)


def test_a_folder_is_its_pictures_in_order_and_foreign_files_are_named(tmp_path: Path) -> None:
    paths = pictures(tmp_path)
    assert [one.name for one in read([tmp_path])] == [str(path) for path in paths]
    (tmp_path / "clip.heic").write_bytes(b"x")
    with pytest.raises(DataError, match=r"clip\.heic: is no picture"):
        read([tmp_path])


def test_captions_come_from_the_command_line_then_the_list_then_the_file_beside(tmp_path: Path) -> None:
    paths = pictures(tmp_path)
    (tmp_path / "1.txt").write_text("\n a zorp in the rain \n", encoding="utf-8")
    assert [one.caption for one in read([tmp_path])] == ["", "a zorp in the rain", ""]
    line = json.dumps({"file_name": "0.png", "text": "a zorp at home"})
    (tmp_path / "metadata.jsonl").write_text(line + "\n", encoding="utf-8")
    assert [one.caption for one in read(paths)] == ["a zorp at home", "a zorp in the rain", ""]
    assert [one.caption for one in read(paths, ["a zorp"])] == ["a zorp"] * 3
    assert [one.caption for one in read(paths, ["x", "y", "z"])] == ["x", "y", "z"]
    with pytest.raises(InputError, match="caption: 2 for 3 pictures"):
        read(paths, ["x", "y"])


def test_damaged_lists_and_doubles_are_refused(tmp_path: Path) -> None:
    paths = pictures(tmp_path)
    with pytest.raises(InputError, match="named twice"):
        read([*paths, tmp_path])
    (tmp_path / "metadata.jsonl").write_text("[1]\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"metadata\.jsonl:1"):
        read(paths)
    with pytest.raises(InputError, match="pictures: 0 given"):
        read([])


@given(
    data=st.binary(max_size=400), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF"])
)
def test_any_bytes_are_a_picture_or_refused_by_name(
    data: bytes, start: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "some.png"
    path.write_bytes(start + data)
    with pytest.raises(DataError, match=r"some\.png"):
        read([path])


@given(cut=st.integers(1, 400), place=st.integers(8, 400), value=st.integers(0, 255))
def test_damaged_pictures_never_fail_in_another_way(
    cut: int, place: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    (path,) = pictures(folder, 1, (20, 20))
    data = bytearray(path.read_bytes())
    data[place % len(data)] = value
    path.write_bytes(bytes(data[: len(data) - cut]))
    with contextlib.suppress(DataError):  # any other error fails
        (one,) = read([path])
        assert one.picture.mode == "RGB"
