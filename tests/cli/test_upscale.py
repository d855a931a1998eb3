from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.networks import shipped as networks_shipped
from limn.networks.shipped import WEIGHTS
from limn.networks.upsampler import CONFIG, Upsampler
from limn.networks.weights import write_tensors
from limn.store import read_record


@pytest.fixture(autouse=True)
def shipped(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny untrained upsampler in place of the shipped one."""
    weights = tmp_path_factory.mktemp("weights")
    network = Upsampler.from_config({"factor": 4, "width": 4, "blocks": 1})
    (weights / "upsampler").mkdir()
    write_tensors(weights / "upsampler" / WEIGHTS, dict(network.state_dict()))
    (weights / "upsampler" / CONFIG).write_text(json.dumps(asdict(network.config)))
    monkeypatch.setattr(networks_shipped, "_SHIPPED", weights)
    return weights


def picture(name: str = "a.png") -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)).save(name)


def test_files_are_enlarged_beside_themselves_and_printed(limn) -> None:
    picture("a.png")
    picture("b.jpg")
    result = limn("upscale", "a.png", "b.jpg")
    assert (result.code, result.lines) == (0, ["a-x4.png", "b-x4.png"])
    for name in result.lines:
        with Image.open(name) as image:
            assert image.size == (32, 24)
        assert read_record(Path(name))["upscaled"]["method"] == "learned"
    again = limn("upscale", "a.png")
    assert (again.code, again.lines) == (0, ["a-x4.png"])
    assert "existed" in again.err


def test_another_method_replaces_only_with_force(limn) -> None:
    picture()
    limn("upscale", "a.png")
    refused = limn("upscale", "a.png", "--method", "lanczos")
    assert (refused.code, refused.out) == (2, "")
    assert "--force" in refused.err
    assert limn("upscale", "a.png", "--method", "lanczos", "--force").code == 0
    assert read_record(Path("a-x4.png"))["upscaled"]["method"] == "lanczos"


def test_mistakes_are_one_line_and_code_2(limn) -> None:
    picture()
    Path("bad.png").write_bytes(b"nothing")
    for arguments, said in (
        (["none.png"], "no such file"),
        (["bad.png"], "not a readable"),
        (["a.png", "--method", "bicubic"], "unknown method 'bicubic'"),
        (["a.png", "--model", "upsampeler"], "did you mean 'upsampler'"),
        (["a.png", "--device", "tpu"], "cannot be used here"),
        ([], "Missing argument"),
    ):
        result = limn("upscale", *arguments)
        assert (result.code, result.out) == (2, ""), arguments
        assert said in result.err
        assert len(result.err.splitlines()) == 1
    assert not list(Path().glob("*-x4.png"))


def test_without_an_upsampler_it_is_said_before_anything_is_drawn(limn, shipped: Path) -> None:
    (shipped / "upsampler" / CONFIG).unlink()
    picture()
    result = limn("upscale", "a.png")
    assert result.code == 2
    assert "upsampler" in result.err
    assert limn("generate", "a cat", "--upscale").code == 2
    assert not list(Path("limn-runs").glob("runs/*/*/*.png"))
    assert limn("generate", "a cat", "--upscale", "--method", "lanczos").code == 0


def test_generate_writes_a_copy_of_every_picture_and_keeps_it(limn) -> None:
    first = limn("generate", "a red heart", "a cat", "--upscale", "--grid")
    names = [Path(line).name for line in first.lines]
    assert names == [
        "0000-a-red-heart.png", "0001-a-cat.png", "0000-a-red-heart-x4.png", "0001-a-cat-x4.png", "grid.png"
    ]  # fmt: skip
    copy = Path(first.lines[2])
    with Image.open(copy) as image:
        assert image.size == (64, 64)
    assert read_record(copy)["prompt"] == read_record(Path(first.lines[0]))["prompt"]
    before = copy.stat().st_mtime_ns
    second = limn("generate", "a red heart", "a cat", "--upscale", "--grid")
    assert second.lines == first.lines
    assert "drew 0" in second.err
    assert copy.stat().st_mtime_ns == before
    limn("generate", "a red heart", "a cat", "--upscale", "--method", "lanczos")
    assert read_record(copy)["upscaled"]["method"] == "lanczos"


def test_json_names_the_copies(limn) -> None:
    (run,) = json.loads(limn("generate", "a cat", "--upscale", "--json").out)["runs"]
    (found,) = run["pictures"]
    assert Path(found["larger"]).name == "0000-a-cat-x4.png"
    assert Path(found["larger"]).exists()
    (run,) = json.loads(limn("generate", "a cat", "--json").out)["runs"]
    assert "larger" not in run["pictures"][0]


def test_lists_and_replays_know_drawn_pictures_only(limn) -> None:
    drawn, copy = limn("generate", "a cat", "--upscale").lines
    (listed,) = json.loads(limn("runs", "list", "--json").out)
    assert (listed["drawn"], listed["total"]) == (1, 1)
    assert "1 sound pictures, 0 damages" in limn("runs", "repair").out
    assert limn("runs", "replay", drawn).code == 0
    refused = limn("runs", "replay", copy)
    assert refused.code == 2
    assert "replay the picture itself" in refused.err
    assert json.loads(limn("runs", "show", copy).out)["upscaled"]["of"]["file"] == "0000-a-cat.png"
