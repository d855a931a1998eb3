from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import resvg_py
from PIL import Image, ImageDraw

from limn.kernel.errors import InputError
from limn.provenance.authority import authority, mark_key
from limn.provenance.seal import Seal
from limn.store import write_png
from limn.studio import tracing
from limn.studio.detecting import facts
from limn.studio.tracing import trace
from limn.studio.upscaling import method

LANCZOS = method("lanczos")
SPACE = "{http://www.w3.org/2000/svg}"


def disc(path: Path, ground: str = "white", side: int = 64) -> Path:
    image = Image.new("RGB", (side, side), ground)
    ImageDraw.Draw(image).ellipse((side // 4, side // 4, side * 3 // 4, side * 3 // 4), fill="#cc2233")
    write_png(path, np.asarray(image), {"prompt": {"text": "a <red> disc & more"}})
    return path


def rendered(path: Path, side: int = 64) -> np.ndarray:
    png = bytes(resvg_py.svg_to_bytes(svg_string=path.read_text("utf-8"), width=side, height=side))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_what_is_drawn_is_traced_and_white_ground_is_transparent(tmp_path: Path) -> None:
    copy = trace(disc(tmp_path / "a.png"), LANCZOS)
    assert (copy.path.name, copy.kept) == ("a.svg", False)
    picture = rendered(copy.path)
    assert (picture[[2, 2, 61, 61], [2, 61, 2, 61], 3] == 0).all()
    assert np.abs(picture[32, 32].astype(int) - [0xCC, 0x22, 0x33, 255]).max() <= 6
    share = (picture[..., 3] > 127).mean()
    assert share == pytest.approx(np.pi * (33 / 2 / 64) ** 2, rel=0.1), "the disc and nothing else"


def test_a_dark_ground_stays(tmp_path: Path) -> None:
    assert (rendered(trace(disc(tmp_path / "a.png", "navy"), LANCZOS).path)[..., 3] == 255).mean() > 0.97


def test_it_scales_and_says_what_it_is(tmp_path: Path) -> None:
    root = ElementTree.fromstring(trace(disc(tmp_path / "a.png"), LANCZOS).path.read_text("utf-8"))
    assert root.tag == f"{SPACE}svg"
    assert root.attrib["viewBox"] == "0 0 256 256"
    assert root.findtext(f"{SPACE}title") == "a <red> disc & more"
    assert '"file": "a.png"' in (root.findtext(f"{SPACE}metadata") or "")


def test_a_copy_is_kept_and_a_foreign_file_is_not_replaced(tmp_path: Path) -> None:
    path = disc(tmp_path / "a.png")
    first = trace(path, LANCZOS).path.read_bytes()
    assert trace(path, LANCZOS).kept
    disc(path, "navy")
    with pytest.raises(InputError, match="--force"):
        trace(path, LANCZOS)
    assert (tmp_path / "a.svg").read_bytes() == first
    (tmp_path / "a.svg").write_text("<svg/>")
    with pytest.raises(InputError, match="--force"):
        trace(path, LANCZOS)
    assert not trace(path, LANCZOS, replace=True).kept


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    path = disc(tmp_path / "a.png")
    first = trace(path, LANCZOS).path.read_bytes()
    assert trace(path, LANCZOS, replace=True).kept
    (tmp_path / "a.svg").unlink()
    assert trace(path, LANCZOS).path.read_bytes() == first


def test_large_pictures_are_traced_as_they_are(tmp_path: Path) -> None:
    root = ElementTree.fromstring(trace(disc(tmp_path / "a.png", side=600), LANCZOS).path.read_text("utf-8"))
    assert root.attrib["viewBox"] == "0 0 600 600"


def test_without_the_library_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vtracer", None)
    with pytest.raises(InputError, match=r"limn\[svg\]"):
        tracing.tracer()


def test_what_a_model_drew_is_signed_and_another_picture_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMN_HOME", str(tmp_path / "home"))
    drawn = trace(disc(tmp_path / "a.png"), LANCZOS, seal=Seal()).path
    trusted = facts(drawn, mark_key(), authority().anchors)
    assert trusted.credential is not None
    assert trusted.credential.state == "valid and trusted"
    assert (trusted.record["prompt"], trusted.told()["mark"]["found"]) == ("a <red> disc & more", False)
    assert trace(tmp_path / "a.png", LANCZOS, seal=Seal()).kept
    assert np.abs(rendered(drawn)[32, 32].astype(int) - [0xCC, 0x22, 0x33, 255]).max() <= 6
    drawn.write_text(drawn.read_text("utf-8").replace("<path", "<path opacity='0.5'", 1))
    changed = facts(drawn, None, authority().anchors)
    assert changed.credential is not None
    assert changed.credential.state == "broken"

    Image.new("RGB", (20, 20), "teal").save(tmp_path / "b.png")
    foreign = facts(trace(tmp_path / "b.png", LANCZOS, seal=Seal()).path, None, authority().anchors)
    assert foreign.credential is not None
    assert foreign.credential.state == "none"
    unsigned = facts(trace(disc(tmp_path / "c.png"), LANCZOS, seal=Seal(sign=False)).path, None, authority().anchors)
    assert unsigned.credential is not None
    assert unsigned.credential.state == "none"
    assert "--no-sign" in (tmp_path / "c.svg").read_text("utf-8")
