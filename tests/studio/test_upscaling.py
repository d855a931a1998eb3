from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toys
from limn import studio
from limn.kernel.errors import DataError, InputError, StoreError
from limn.store import Store, read_record
from limn.studio import upscaling
from limn.studio.upscaling import Method, Upscaled, method, place_of, upscale

TWICE = Method(name="learned", factor=2, weights="w" * 64, enlarge=lambda each: each.repeat(2, 0).repeat(2, 1))


def some(height: int = 5, width: int = 7, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_copy_lies_beside_its_picture_and_says_what_made_it(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(some()).save(path)
    found = upscale(path, TWICE)
    assert found == Upscaled(path=tmp_path / "a-x2.png", kept=False)
    assert (opened(found.path) == some().repeat(2, 0).repeat(2, 1)).all()
    source = {"file": "a.png", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    about = {"method": "learned", "factor": 2, "weights": "w" * 64, "of": source}
    assert read_record(found.path, whole=True) == {"upscaled": about}
    assert b"trainedAlgorithmicMedia" not in found.path.read_bytes(), "no model drew it"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a-x2.png", "a.png"]


def test_lanczos_is_pillows() -> None:
    how = method("lanczos")
    expected = Image.fromarray(some()).resize((28, 20), Image.Resampling.LANCZOS)
    assert (how.enlarge(some()) == np.asarray(expected)).all()
    assert (how.factor, how.weights) == (4, "")


def test_what_was_made_just_so_is_kept_and_anything_else_only_replaced_when_told(tmp_path: Path) -> None:
    path, lanczos = tmp_path / "a.png", method("lanczos")
    Image.fromarray(some()).save(path)
    first = upscale(path, lanczos).path
    before = first.stat().st_mtime_ns
    assert upscale(path, lanczos) == Upscaled(path=first, kept=True)
    assert first.stat().st_mtime_ns == before
    Image.fromarray(255 - some()).save(path)  # another picture under the same name
    with pytest.raises(InputError, match="--force"):
        upscale(path, lanczos)
    assert not upscale(path, lanczos, replace=True).kept
    assert upscale(path, lanczos).kept
    first.write_bytes(first.read_bytes()[:-20])  # damaged
    with pytest.raises(InputError, match="--force"):
        upscale(path, lanczos)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "RGBA", "L", "P"])
def test_every_kind_of_picture_is_read_and_clear_is_white(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    if kind == "RGBA":
        clear = some(channels=4)
        clear[..., 3] = 0
        Image.fromarray(clear).save(path, "PNG")
    else:
        image = Image.fromarray(some())
        image.convert(kind if len(kind) == 1 else "RGB").save(path, kind if len(kind) > 1 else "PNG")
    found = upscale(path, TWICE).path
    assert found == tmp_path / "a-x2.png"
    assert opened(found).shape == (10, 14, 3)
    assert kind != "RGBA" or (opened(found) == 255).all()


def test_what_cannot_be_enlarged_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(InputError, match=r"no such file|not a regular file"):
        upscale(path, TWICE)
    path.write_bytes(b"no picture")
    with pytest.raises(DataError, match="not a readable"):
        upscale(path, TWICE)
    Image.fromarray(some()).save(path)
    monkeypatch.setattr(upscaling, "MAX_PIXELS", 34)
    with pytest.raises(DataError, match="35 pixels, at most 34"):
        upscale(path, TWICE)
    with pytest.raises(InputError, match="lanczos"):
        method("lanczoz")
    with pytest.raises(InputError, match="upsampler"):
        method(model=tmp_path / "none")
    monkeypatch.undo()
    (tmp_path / "b-x2.png").mkdir()
    path.rename(tmp_path / "b.png")
    with pytest.raises((InputError, StoreError), match=r"b-x2\.png"):
        upscale(tmp_path / "b.png", TWICE, replace=True)
    assert not (tmp_path / "a-x2.png").exists()


def test_a_copy_of_a_drawn_picture_has_its_record_and_is_not_taken_for_drawn(tmp_path: Path) -> None:
    generator, store = toys.toy(), Store(tmp_path)
    request = generator.request(["a red heart", "a car, x4"])
    drawn = [each.path for each in studio.generate(generator, request, store) if isinstance(each, studio.Drawn)]
    assert [path.name for path in drawn] == ["0000-a-red-heart.png", "0001-a-car.png"]
    copies = [upscale(path, TWICE).path for path in drawn]
    record, source = read_record(copies[0]), read_record(drawn[0])
    assert record["upscaled"]["of"]["key"] == source["key"] == request.key()
    assert (record["prompt"], record["seed"], record["request"]) == tuple(
        source[name] for name in ("prompt", "seed", "request")
    )
    assert b"trainedAlgorithmicMedia" in copies[0].read_bytes()
    run = store.open(request.key(), request.record())
    assert run.pictures() == dict(enumerate(drawn))
    (info,) = store.runs()
    assert (info.drawn, info.total, info.finished) == (2, 2, True)
    report = store.repair()
    assert (report.pictures, report.damages) == (2, ())
    assert all(path.exists() for path in copies)
    copies[0].rename(drawn[0].with_name("0000-renamed.png"))  # named as a picture it still is none
    assert run.pictures() == dict(enumerate(drawn))
    with pytest.raises(InputError, match="replay the picture itself"):
        list(studio.replay(copies[1], toys.load))


def test_a_copy_can_be_enlarged_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(some()).save(path)
    twice = upscale(upscale(path, TWICE).path, TWICE).path
    assert twice.name == place_of(place_of(path, 2), 2).name == "a-x2-x2.png"
    assert opened(twice).shape == (20, 28, 3)
    assert read_record(twice)["upscaled"]["of"]["upscaled"]["of"]["file"] == "a.png"
