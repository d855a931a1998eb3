"""A model of three dimensions adapted by words, with small random weights and a true editor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import small_models
import toys3d_models
from limn import models
from limn.kernel.errors import InputError
from limn.scene3d.adapting import Tuning
from limn.scene3d.camera import Camera
from limn.store import Store
from limn.studio.adapting import RECORD, Adaptation, Asked

FEW = {"count": 6, "views": 2, "keep": 0.8, "pose": 180.0, "tuning": Tuning(steps=3, batch=2, rays=16)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    small_models.native(tmp_path / "editor")
    return toys3d_models.model(tmp_path / "toys")


def adaptation(tmp_path: Path, **changes: object) -> Adaptation:
    fields = {
        "model": str(tmp_path / "toys"),
        "to": "in Noto style",
        "out": tmp_path / "out",
        "editor": str(tmp_path / "editor"),
    }
    return Adaptation(Asked(**{**fields, **FEW, **changes}), Store(tmp_path / "store"))  # type: ignore[arg-type]


@pytest.mark.usefixtures("folder")
def test_the_adapted_folder_draws_the_same_objects_otherwise(tmp_path) -> None:
    work = adaptation(tmp_path)
    whats = [event.what for event in work.run()]
    assert [*dict.fromkeys(whats)] == ["drawing", "editing", "learning"]
    record = json.loads((tmp_path / "out" / RECORD).read_text())
    assert (record["kept"], record["to"]) == (6, "in Noto style")
    assert record["edits"] >= 6
    assert record["pose_error"] > 0
    source, tuned = (models.load(str(tmp_path / name)) for name in ("toys", "out"))
    assert source.weights != tuned.weights
    code = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    codecs = [generator.stages[-1].codec for generator in (source, tuned)]
    assert not torch.equal(*(codec.decode(code) for codec in codecs))  # type: ignore[arg-type]
    # a picture of a real thing is still read by the decoder before
    before, picture = codecs[1].source, codecs[0].decode(code)  # type: ignore[attr-defined]
    found = [one.found(picture[:, None], [Camera()], steps=3) for one in (before, codecs[0].triplane)]  # type: ignore[attr-defined]
    assert torch.equal(*found)


@pytest.mark.usefixtures("folder")
def test_edits_are_kept_in_the_store_and_the_same_command_gives_the_same_model(tmp_path) -> None:
    list(adaptation(tmp_path).run())
    first = (tmp_path / "out" / "triplane.safetensors").read_bytes()
    drawn = len([*(tmp_path / "store").rglob("*.png")])
    list(adaptation(tmp_path).run())
    assert (tmp_path / "out" / "triplane.safetensors").read_bytes() == first
    assert len([*(tmp_path / "store").rglob("*.png")]) == drawn


@pytest.mark.usefixtures("folder")
def test_words_choose_edits_and_a_picture_takes_their_place(tmp_path) -> None:
    work = adaptation(tmp_path, count=3, keep=0.4)
    list(work.chosen())
    least = np.quantile([view.score for view in work.editing.views[:10]], 0.6)
    assert all(view.score >= least for view in work.kept)
    Image.new("RGB", (64, 64), (220, 40, 40)).save(tmp_path / "red.png")
    other = adaptation(tmp_path, count=3, keep=0.4, instance=tmp_path / "red.png")
    list(other.chosen())
    assert [view.score for view in other.editing.views] != [view.score for view in work.editing.views]
    assert other.record()["instance"] == "red.png"


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_poses_leave_out_edits_and_none_left_is_said(tmp_path) -> None:
    with pytest.raises(InputError, match="no edit of"):
        list(adaptation(tmp_path, pose=1.0, views=1, count=1).run())
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_is_said(tmp_path, folder) -> None:
    with pytest.raises(InputError, match="flat pictures"):
        adaptation(tmp_path, model="shapes")
    with pytest.raises(InputError, match="keep must be"):
        adaptation(tmp_path, keep=2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"config\.json"):
        adaptation(tmp_path)


def test_braces_say_where_the_object_stands() -> None:
    asked = Asked(model="m", to="{} of clay", out=Path("o"))
    assert asked.said("a chair") == "a chair of clay"
