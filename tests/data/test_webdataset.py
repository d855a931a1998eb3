from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from limn.data.report import Report
from limn.data.webdataset import read_shards
from limn.kernel.errors import DataError


def png(colour: str = "red") -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(sink, "PNG")
    return sink.getvalue()


def shard(path: Path, members: list[tuple[str, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def samples(count: int, start: int = 0) -> list[tuple[str, bytes]]:
    found = []
    for number in range(start, start + count):
        found += [(f"{number:04}.png", png()), (f"{number:04}.txt", f"box {number}".encode())]
    return found


def test_samples_are_grouped_by_stem(tmp_path: Path) -> None:
    record = json.dumps({"caption": "a blue box", "width": 8}).encode()
    path = shard(tmp_path / "a.tar", [
        ("x/one.png", png()), ("x/one.txt", b"a red box\na box"), ("x/two.seg.png", png()), ("x/two.JSON", record),
        ("x/two.png", png("blue")), ("x/two.cls", b"1"),
    ])  # fmt: skip
    first, second = read_shards(path)
    assert (first.key, first.captions) == ("a.tar/x/one", ("a red box", "a box"))
    assert (second.captions, second.attributes) == (("a blue box",), {"width": 8})
    assert (second.picture == [0, 0, 255]).all()


def test_folders_of_shards_are_read_in_order_also_compressed(tmp_path: Path) -> None:
    shard(tmp_path / "b.tar.gz", samples(2, 2), "w:gz")
    shard(tmp_path / "a.tar", samples(2))
    assert [example.captions[0] for example in read_shards(tmp_path)] == ["box 0", "box 1", "box 2", "box 3"]


def test_pickles_links_and_devices_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (("0.png", tarfile.SYMTYPE), ("1.png", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        for name, data in [("2.png", png()), ("2.txt", b"ok"), ("2.pyd", b"cos\nsystem\n."), ("2.pickle", b"x")]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    report = Report()
    assert [example.captions for example in read_shards(path, report=report)] == [("ok",)]
    assert report.bad == 0


def test_damaged_samples_are_left_out(tmp_path: Path) -> None:
    members = samples(100)
    members[0] = ("0000.png", b"no picture")
    members[3] = ("0001.txt", b" ")
    members[4] = ("0002.cls", b"1")
    members.append(("9999.json", b"[1, 2"))
    report = Report()
    assert len(list(read_shards(shard(tmp_path / "a.tar", members), report=report))) == 97
    assert report.reasons == {"unreadable picture": 1, "no caption": 1, "no picture": 2}


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_truncated_shard_is_reported_and_the_next_one_read(tmp_path: Path, keep: int) -> None:
    data = shard(tmp_path / "a.tar", samples(20)).read_bytes()
    (tmp_path / "a.tar").write_bytes(data[:keep])
    shard(tmp_path / "b.tar", samples(60, 100))
    report = Report()
    found = list(read_shards(tmp_path, report=report))
    assert len(found) == 60 + (2 if keep == 5000 else 0)
    assert report.reasons == {"damaged shard": 1}


def test_missing_shards_are_named(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "a.tar", [tmp_path / "b.tar"]):
        with pytest.raises(DataError, match="no shard there"):
            list(read_shards(source))


def test_a_shard_cut_between_two_members_is_reported(tmp_path: Path) -> None:
    with tarfile.open(shard(tmp_path / "a.tar", samples(100))) as tar:
        place = tar.getmembers()[50].offset
    (tmp_path / "a.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:place])
    report = Report()
    assert len(list(read_shards(tmp_path / "a.tar", report=report))) == 24  # the last may lack something
    assert report.reasons == {"damaged shard": 1}
