"""Marks, records and credentials together: what is written, replayed and detected."""

from __future__ import annotations

import io
import os
import stat
from importlib import util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toys
from limn import cli, studio
from limn.kernel.errors import InputError
from limn.provenance.authority import authority, mark_key
from limn.provenance.credential import credential
from limn.provenance.home import home
from limn.provenance.mark import detect
from limn.provenance.seal import Seal
from limn.store import Store, read_record
from limn.store.copies import copy_as
from limn.studio.detecting import facts


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIMN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def drawn(root: Path, seal: Seal | None, size: int = 128) -> Path:
    generator = toys.toy()
    generator.sizes = (16, 256)
    request = generator.request("a cat", size=(size, size))
    (path,) = [
        event.path
        for event in studio.generate(generator, request, Store(root), seal=seal)
        if isinstance(event, studio.Drawn)
    ]
    return path


def told(path: Path) -> studio.Replay:
    def load(name: str, device: str = "cpu"):  # type: ignore[no-untyped-def]
        generator = toys.toy()
        generator.sizes = (16, 256)
        return generator

    *_, last = studio.replay(path, load)
    assert isinstance(last, studio.Replay)
    return last


def test_a_sealed_picture_says_three_things(tmp_path: Path, at_home: Path) -> None:
    path = drawn(tmp_path / "store", Seal(), size=192)
    record = read_record(path, whole=True)
    assert record["provenance"]["credential"] == "c2pa"
    assert record["provenance"]["mark"]["message"] == record["key"][:8]
    result = facts(path, mark_key(), authority().anchors)
    assert result.record["prompt"] == "a cat"
    assert result.mark is not None
    assert result.mark.marked
    assert result.credential is not None
    assert result.credential.state == "valid and trusted"
    assert result.credential.claims == "limn"
    assert stat.S_IMODE((at_home / "signer.key").stat().st_mode) == 0o600 or os.name == "nt"


def test_a_marked_picture_replays_to_the_bit_and_without_its_key_says_so(tmp_path: Path, at_home: Path) -> None:
    path = drawn(tmp_path / "store", Seal())
    plain = drawn(tmp_path / "plain", None)
    assert not (np.asarray(Image.open(path)) == np.asarray(Image.open(plain))).all()
    assert told(path).same
    assert told(plain).same
    (at_home / "mark.key").unlink()
    with pytest.raises(InputError, match=r"mark\.key"):
        told(path)


def test_what_was_left_out_stands_in_the_record(
    tmp_path: Path, at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = read_record(drawn(tmp_path / "a", Seal(mark=False, sign=False)))["provenance"]
    assert bare == {"mark": "not marked: --no-mark", "credential": "not signed: --no-sign"}
    small = read_record(drawn(tmp_path / "b", Seal(sign=False), size=16))["provenance"]
    assert small["mark"] == "not marked: smaller than 128 pixels"
    monkeypatch.setattr("limn.provenance.seal.find_spec", lambda name: None)
    without = read_record(drawn(tmp_path / "c", Seal()))["provenance"]
    assert "reedsolo is not installed" in without["mark"]
    assert "c2pa is not installed" in without["credential"]
    assert "provenance" not in read_record(drawn(tmp_path / "d", None))


def test_a_key_that_cannot_sign_leaves_an_unsigned_picture(tmp_path: Path, at_home: Path) -> None:
    authority()
    (home() / "signer.key").write_text("no key")
    said = read_record(drawn(tmp_path / "store", Seal()))["provenance"]["credential"]
    assert "cannot sign" in said


def test_a_changed_file_is_broken_and_another_signer_unknown(tmp_path: Path, at_home: Path) -> None:
    path = drawn(tmp_path / "store", Seal(), size=16)
    data, anchors = path.read_bytes(), authority().anchors
    place = data.rindex(b"IDAT") + 12
    changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    broken = credential(changed, "PNG", anchors)
    assert broken.state == "broken"
    assert any("mismatch" in code for code in broken.problems)
    other = authority(_folder(tmp_path / "other")).anchors
    assert credential(data, "PNG", other).state == "valid, signer unknown"
    buffer = io.BytesIO()
    Image.open(path).save(buffer, "PNG")
    assert credential(buffer.getvalue(), "PNG", anchors).state == "none"


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_copies_keep_record_and_source(tmp_path: Path, at_home: Path) -> None:
    path = drawn(tmp_path / "store", Seal(), size=16)
    for kind in ("webp", "jpeg"):
        copy = tmp_path / f"a.{kind}"
        copy.write_bytes(Seal().signed(copy_as(path, kind), kind.upper()))
        result = facts(copy, None, authority().anchors)
        assert result.record["prompt"] == "a cat"
        assert result.record["tool"] == "limn"
        assert result.mark is None
        assert result.credential is not None
        assert result.credential.state == "valid and trusted"


def test_an_edit_keeps_its_pixels_unmarked(tmp_path: Path, at_home: Path) -> None:
    from limn.edit.inpaint import Inpaint

    generator = toys.toy()
    generator.sizes = (16, 256)
    ground = np.full((128, 128, 3), 90, np.uint8)
    request = generator.request("a cat", size=(128, 128), edit=Inpaint.box(ground, (0.5, 0.0, 1.0, 1.0)))
    *_, last = [
        e for e in studio.generate(generator, request, Store(tmp_path), seal=Seal()) if isinstance(e, studio.Drawn)
    ]
    assert (np.asarray(Image.open(last.path))[:, :64] == 90).all()
    assert "keeps the pixels" in read_record(last.path)["provenance"]["mark"]


def test_detect_tells_and_never_says_real(
    tmp_path: Path, at_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(tmp_path / "photo.png")
    path = drawn(tmp_path / "store", Seal(), size=16)
    assert cli.run(["detect", str(tmp_path / "photo.png"), str(path)]) == 0
    out = capsys.readouterr().out
    assert "record: none" in out
    assert "none found, which says nothing" in out
    assert "credential: none" in out
    assert "credential: valid and trusted" in out
    assert "real" not in out.replace(str(tmp_path), "").lower()
    assert cli.run(["detect", str(tmp_path / "nope.png")]) == 2
    assert util.find_spec("c2pa") is not None
    assert not detect(np.full((64, 64, 3), 200, np.uint8), b"k").marked


def test_sheets_are_signed_and_their_pictures_stay_as_they_are(tmp_path: Path, at_home: Path) -> None:
    path = drawn(tmp_path / "store", Seal())
    sheet = studio.sheet(tmp_path, [path, path], Seal())
    assert read_record(sheet)["provenance"] == {"mark": "not marked: a sheet of pictures", "credential": "c2pa"}
    assert credential(sheet.read_bytes(), "PNG", authority().anchors).state == "valid and trusted"
    assert np.array_equal(np.asarray(Image.open(sheet))[:128, :128], np.asarray(Image.open(path)))
    axis = studio.Axis.parse("steps=1,2")
    grid = studio.compose(Store(tmp_path / "store"), [[path], [path]], axis, None, seal=Seal(sign=False))
    assert read_record(grid)["provenance"]["credential"] == "not signed: --no-sign"
    assert credential(grid.read_bytes(), "PNG", authority().anchors).state == "none"
