"""Things in three dimensions on the command line, by a model with small random weights."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

import toys3d_models
from limn import models
from limn.store.run import picture_files
from limn.studio import objects

LOAD = models.load


@pytest.fixture
def _model(limn: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toys3d_models.model(tmp_path / "toys")
    monkeypatch.setattr(models, "load", LOAD)


@pytest.mark.usefixtures("_model")
def test_views_stand_in_the_picture_and_replay_to_the_last_bit(limn, tmp_path) -> None:
    drawn = limn("generate", "a red chair", "--model", "toys", "--views", 8, "--camera", "azimuth=40", "--json")
    assert drawn.code == 0, drawn.err
    path = Path(json.loads(drawn.out)["runs"][0]["pictures"][0]["path"])
    picture = np.asarray(Image.open(path))
    assert picture.shape == (64, 128, 3)
    replayed = limn("runs", "replay", path)
    assert replayed.code == 0, replayed.err
    assert "identical to the last bit" in replayed.out
    first = limn("generate", "a red chair", "--model", "toys", "--camera", "azimuth=40")
    assert np.array_equal(np.asarray(Image.open(first.lines[0])), picture[:32, :32])
    usual = limn("generate", "a red chair", "--model", "toys", "--camera", "azimuth=30,elevation=20")
    assert usual.lines[0] != first.lines[0]


@pytest.mark.slow
@pytest.mark.usefixtures("_model")
def test_turntable_mesh_and_depth(limn, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("limn.scene3d.mesh.SURFACE", 1.0)
    command = ["generate", "a red chair", "--model", "toys", "--turntable", "t.webp", "--mesh", "m.glb", "--depth"]
    drawn = limn(*command)
    assert drawn.code == 0, drawn.err
    with Image.open("t.webp") as turning:
        assert (turning.n_frames, turning.size) == (objects.FRAMES, (32, 32))  # type: ignore[attr-defined]
        assert b"trainedAlgorithmicMedia" in turning.info["xmp"]
    told = limn("detect", "t.webp").out
    assert "record: limn: 'a red chair', seed 0, toys" in told
    assert "credential: valid and trusted" in told
    mesh = trimesh.load(io.BytesIO(Path("m.glb").read_bytes()), file_type="glb", force="mesh")
    assert len(mesh.faces) > 10
    assert mesh.visual.vertex_colors.shape == (len(mesh.vertices), 4)
    assert np.abs(mesh.vertices).max() < 1.1
    assert mesh.is_watertight
    depth = np.asarray(Image.open(next(line for line in drawn.lines if line.endswith(".depth.png"))))
    assert depth.dtype == np.uint16
    assert depth.shape == (32, 32)
    assert ((depth == 0) | ((depth > 2000) & (depth < 6000))).all()
    assert [path.name for path in picture_files(Path(drawn.lines[0]).parent)[0]] == [Path(drawn.lines[0]).name]
    assert limn(*command).code == 0, "its own files are written anew"
    Path("t.webp").write_bytes(b"mine")
    refused = limn(*command)
    assert refused.code == 2
    assert "not limn's to replace" in refused.err


@pytest.mark.usefixtures("_model")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--camera", "azimut=3"], "field of a camera"),
        (["--views", "65"], "views: 65"),
        (["--turntable", "t.gif"], "must end in .webp"),
        (["--model", "shapes", "--views", "2"], "draws flat pictures"),
        (["--model", "shapes", "--depth"], "draws flat pictures"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(limn, options, message) -> None:
    result = limn("generate", "a red chair", *([] if "--model" in options else ["--model", "toys"]), *options)
    assert result.code == 2
    assert message in result.err
    assert len(result.err.strip().splitlines()) == 1


@pytest.mark.usefixtures("_model")
def test_a_picture_becomes_a_thing_that_is_edited(limn, tmp_path, monkeypatch) -> None:
    found = models.load("toys").stages[-1].codec.triplane.__class__
    kept = found.found
    monkeypatch.setattr(found, "found", lambda self, *given, **how: kept(self, *given, steps=2, starts=1))
    Image.new("RGB", (32, 32), "red").save("red.png")
    drawn = limn("edit", "red.png", "a blue chair", "--model", "toys", "--strength", "0.7", "--camera", "azimuth=0")
    assert drawn.code == 0, drawn.err
    region = limn("edit", "red.png", "a blue chair", "--model", "toys", "--box", "0,0,0.5,0.5")
    assert region.code == 2
    assert "three dimensions" in region.err
