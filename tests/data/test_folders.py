from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.data.folders import captions_in, read_folder
from limn.data.report import Report
from limn.kernel.errors import DataError


def picture(path: Path, colour: str = "red", size: tuple[int, int] = (12, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def listed(folder: Path, lines: list[object]) -> None:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "metadata.jsonl").write_text(text, "utf-8")


def test_metadata_gives_captions_and_attributes(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "below" / "b.jpg", "blue")
    listed(tmp_path, [
        {"file_name": "a.png", "text": "a red box", "kind": "box"}, "",
        {"file_name": "below/b.jpg", "captions": ["a blue box", " ", 3, "a box"]},
    ])  # fmt: skip
    first, second = read_folder(tmp_path)
    assert (first.key, first.captions, first.attributes) == ("a.png", ("a red box",), {"kind": "box"})
    assert second.captions == ("a blue box", "a box")
    assert first.picture.shape == (8, 12, 3)


def test_text_files_beside_pictures(tmp_path: Path) -> None:
    for name in ("one", "10_dogs/two"):
        picture(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text("a dog\n\nan animal\n", "utf-8")
    picture(tmp_path / ".hidden.png")
    assert [(example.key, example.captions) for example in read_folder(tmp_path)] == [
        ("10_dogs/two.png", ("a dog", "an animal")),
        ("one.png", ("a dog", "an animal")),
    ]


def test_pictures_are_brought_to_one_size(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("red", "utf-8")
    (example,) = read_folder(tmp_path, size=16)
    assert (example.picture == np.full((16, 16, 3), [255, 0, 0], np.uint8)).all()


def test_one_in_a_hundred_may_be_damaged(tmp_path: Path) -> None:
    lines: list[object] = []
    for number in range(300):
        picture(tmp_path / f"{number}.png")
        lines.append({"file_name": f"{number}.png", "text": "a box"})
    (tmp_path / "7.png").write_bytes((tmp_path / "7.png").read_bytes()[:30])
    (tmp_path / "8.png").write_bytes(b"<html>not found</html>")
    lines[9] = {"file_name": "9.png", "text": "  "}
    lines[10] = '{"file_name": "10.png", "text": '
    lines[11] = ["11.png", "a box"]
    lines[12] = {"file_name": "13.png", "text": "named twice"}
    listed(tmp_path, lines)
    report = Report()
    assert len(list(read_folder(tmp_path, report=report))) == 300 - 6
    assert report.reasons == {"unreadable picture": 2, "no caption": 1, "wrong line": 2, "named twice": 1}
    assert ("metadata.jsonl:11", "wrong line: not an object with a file_name") in report.quarantine


def test_too_many_damaged_pictures_are_an_error(tmp_path: Path) -> None:
    for number in range(10):
        picture(tmp_path / f"{number}.png")
        (tmp_path / f"{number}.txt").write_text("a box", "utf-8")
    (tmp_path / "3.txt").unlink()
    with pytest.raises(DataError, match=r"9 read, 1 left out \(1 no caption\); first 3\.png"):
        list(read_folder(tmp_path))


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/hostname", "link.png", "below/../../secret.png", "a\0b", "x" * 5000]
)
def test_names_do_not_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "set"
    picture(tmp_path / "secret.png")
    picture(folder / "ok.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    listed(folder, [{"file_name": "ok.png", "text": "ok"}, {"file_name": name, "text": "out"}])
    report = Report(most_bad=0.5)
    assert [example.key for example in read_folder(folder, report=report)] == ["ok.png"]
    assert report.reasons == {"file missing or outside": 1}


def test_a_caption_that_is_not_text_is_left_out(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    report = Report(most_bad=1)
    assert list(read_folder(tmp_path, report=report)) == []
    assert report.reasons == {"caption is not UTF-8": 1}


def test_empty_and_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no pictures"):
        list(read_folder(tmp_path))
    with pytest.raises(DataError, match="no such folder"):
        list(read_folder(tmp_path / "absent"))


def test_captions_are_found_under_the_usual_names() -> None:
    assert captions_in({"prompt": "p"}) == ("p",)
    assert captions_in({"captions": [], "text": "t"}) == ("t",)
    assert captions_in({"label": "t", "text": 5}) == ()
