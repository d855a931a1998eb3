from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limn.data.toys3d import dataset, held_out, render
from limn.kernel.errors import DataError, InputError

SMALL = {"toys": 18, "held_out": 2, "views": 5, "size": 32}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def drawn(toy, camera, side):
        calls.append(toy)
        return render(toy, camera, 32) if len(calls) < 12 else drawn.last

    drawn.last = None

    def kept(toy, camera, side):
        drawn.last = drawn(toy, camera, side)
        return drawn.last

    kept.calls = calls
    monkeypatch.setattr(dataset, "render", kept)


def build(folder: Path, **more: object) -> list[tuple[int, int]]:
    return list(dataset.build(folder, **{**SMALL, **more}))  # type: ignore[arg-type]


def test_a_build_goes_on_where_it_stopped(tmp_path: Path) -> None:
    events = dataset.build(tmp_path, **SMALL)  # type: ignore[arg-type]
    assert next(events) == (16, 20)
    events.close()  # type: ignore[attr-defined]
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.npz")}
    assert list(before) == ["learned-0000.npz"]
    with pytest.raises(DataError, match="its build was interrupted; run limn data build toys3d --out"):
        dataset.load(tmp_path)
    calls = len(dataset.render.calls)  # type: ignore[attr-defined]
    assert build(tmp_path)[-1] == (20, 20)
    assert len(dataset.render.calls) - calls == 4 * SMALL["views"]  # type: ignore[attr-defined]
    assert (tmp_path / "learned-0000.npz").read_bytes() == before["learned-0000.npz"]
    (tmp_path / "held_out-0000.npz").write_bytes(b"damaged")
    with pytest.raises(DataError, match="differs from the manifest"):
        dataset.load(tmp_path, "held_out")
    build(tmp_path)
    assert len(dataset.load(tmp_path, "held_out").toys) == 2


def test_what_is_read_is_what_was_drawn(tmp_path: Path) -> None:
    build(tmp_path)
    toys = dataset.load(tmp_path)
    assert toys.pictures.shape == (18, 5, 32, 32, 3)
    assert toys.depths.shape == toys.masks.shape == (18, 5, 32, 32)
    view = render(toys.toys[1], toys.camera(1, 4), 32)
    assert np.abs(toys.pictures[1, 4].astype(int) - view.picture).max() <= 2  # cameras are kept in float32
    assert all(held_out(toy.kind, toy.colour) for toy in dataset.load(tmp_path, "held_out").toys)


def test_what_cannot_be_built_is_told(tmp_path: Path) -> None:
    for wrong in ({"views": 4}, {"toys": 0}, {"size": 40}):
        with pytest.raises(InputError):
            build(tmp_path, **wrong)
    (tmp_path / "learned-0000.npz").write_text("mine")
    with pytest.raises(InputError, match="not limn's to replace"):
        build(tmp_path)
    with pytest.raises(DataError, match="limn data build toys3d"):
        dataset.load(tmp_path / "none")
