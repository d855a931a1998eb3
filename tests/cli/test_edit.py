"""``limn edit`` from end to end, and masks that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from small_models import native
from token_models import build


@pytest.fixture
def model(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A model of tokens, or one that denoises, and a picture beside it."""
    folder = tmp_path / "model"
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / "a.png")
    if getattr(request, "param", "tokens") == "tokens":
        return build(folder)
    native(folder)
    return folder


both = pytest.mark.parametrize("model", ["tokens", "noise"], indirect=True)
noise = pytest.mark.parametrize("model", ["noise"], indirect=True)


@pytest.fixture
def run(limn, model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:  # type: ignore[no-untyped-def]
    from limn import models

    monkeypatch.undo()  # the toy model
    monkeypatch.chdir(model.parent)
    assert models.load.__module__ == "limn.models"
    return lambda *rest: limn("edit", "a.png", "a red circle", "--model", model, *rest)


def mask(kind: str) -> None:
    whole = {"white": 255, "black": 0}.get(kind)
    if whole is not None:
        Image.new("L", (16, 16), whole).save("m.png")
        return
    inside = np.zeros((16, 16), np.uint8)
    inside[:8, :8] = 255
    image = Image.fromarray(inside)
    if kind == "alpha":  # white all over, seen through a hole
        image = Image.merge("RGBA", [Image.new("L", (16, 16), 255)] * 3 + [image])
    elif kind == "size":
        image = image.resize((8, 8))
    elif kind == "clear":
        image = Image.new("RGBA", (16, 16), (255, 255, 255, 0))
    elif kind == "grey":
        image = Image.new("L", (16, 16), 127)
    elif kind == "I;16":
        image = Image.fromarray(inside.astype(np.uint16) * 257)
    elif kind in ("TIFF", "GIF"):
        image.save("m.png", format=kind)
        return
    elif kind == "CMYK":
        image.convert(kind).save("m.png", format="JPEG", quality=100)
        return
    else:
        image = image.convert(kind)
    image.save("m.png")


def pixels(path: str) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(Image.open(path).convert("RGB"))


@both
@pytest.mark.parametrize("kind", ["L", "1", "P", "RGB", "RGBA", "LA", "I;16", "CMYK", "alpha"])
def test_masks_of_any_mode_keep_what_is_black(run, kind: str) -> None:  # type: ignore[no-untyped-def]
    mask(kind)
    result = run("--mask", "m.png", "-n", 2)
    assert result.code == 0, result.err
    for line in result.lines:
        drawn, before = pixels(line), pixels("a.png")
        assert np.array_equal(drawn[8:], before[8:])
        assert np.array_equal(drawn[:, 8:], before[:, 8:])
        assert not np.array_equal(drawn[:8, :8], before[:8, :8])


def test_a_white_mask_draws_all_anew(run) -> None:  # type: ignore[no-untyped-def]
    mask("white")
    (drawn,) = run("--mask", "m.png").lines
    assert not (pixels(drawn) == pixels("a.png")).all(-1).reshape(4, 4, 4, 4).all((1, 3)).any(), "in every token"


def test_a_model_that_draws_token_after_token_says_why_it_cannot_edit(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    mask("L")
    (tmp_path / "parti").mkdir()
    result = run("--mask", "m.png", "--model", build(tmp_path / "parti", "parti"))
    assert result.code == 2
    assert "blind to what comes after" in result.err


@both
def test_the_same_edit_is_found_again_and_another_is_not(run) -> None:  # type: ignore[no-untyped-def]
    first = run("--box", "0,0,0.5,0.5")
    again = run("--box", "0,0,0.5,0.5")
    assert first.lines == again.lines
    assert "1 existed" in again.err
    assert run("--box", "0,0,0.5,1").lines != first.lines


def test_a_picture_grows_or_drifts(run) -> None:  # type: ignore[no-untyped-def]
    (grown,) = run("--extend", "right=8").lines
    assert np.array_equal(pixels(grown)[:, :16], pixels("a.png"))
    assert pixels(grown).shape == (16, 24, 3)
    result = run("--steps", 3, "--explain")
    assert result.code == 0
    assert "3 forwards" in result.err


@both
def test_larger_pictures_are_scaled_with_their_masks(run) -> None:  # type: ignore[no-untyped-def]
    Image.new("RGB", (48, 32), (250, 10, 10)).save("a.png")
    Image.new("L", (48, 32), 255).save("m.png")
    (drawn,) = run("--mask", "m.png").lines
    assert pixels(drawn).shape == (16, 16, 3)
    (grown,) = run("--extend", "left=4").lines
    assert pixels(grown).shape == (16, 28, 3)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("size", ["--mask", "m.png"], "mask: has 8x8 pixels, the picture 16x16"),
        ("black", ["--mask", "m.png"], "black all over"),
        ("clear", ["--mask", "m.png"], "black all over"),
        ("grey", ["--mask", "m.png"], "nowhere lighter than half"),
        ("TIFF", ["--mask", "m.png"], "mask m.png: not a readable PNG/JPEG/WEBP"),
        ("GIF", ["--mask", "m.png"], "mask m.png: not a readable PNG/JPEG/WEBP"),
        ("L", ["--mask", "."], "not a regular file"),
        ("L", ["--mask", "no.png"], "mask: no.png: no such file"),
        ("L", ["--mask", "model/config.json"], "not a readable"),
        ("L", ["--mask", "m.png", "--box", "0,0,1,1"], "exclude each other"),
        ("L", ["--box", "0,0,1"], "left,top,right,bottom"),
        ("L", ["--box", "0.5,0,0.4,1"], "left < right"),
        ("L", ["--extend", "up=3"], "unknown side 'up'"),
        ("L", ["--extend", "right"], "right=16"),
        ("L", ["--extend", "right=16"], "give at most 12"),
        ("L", ["--sampler", "ddim"], "draws tokens"),
        ("L", ["--strength", "0.5"], "strength: is about noise, this model draws tokens"),
        ("L", ["--mask", "m.png", "--resample", "2"], "are about noise, this model draws tokens"),
    ],
)
def test_what_cannot_be_used_is_one_line(run, kind: str, options: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    mask(kind)
    result = run(*options)
    assert result.code == 2
    (line,) = result.err.strip().splitlines()
    assert message in line
    assert not list(Path("limn-runs").rglob("0*.png"))


@noise
def test_a_picture_is_changed_without_a_mask(run) -> None:  # type: ignore[no-untyped-def]
    little, much = (run("--strength", share, "--steps", 10, "--explain") for share in (0.2, 0.9))
    assert "2 forwards" in little.err
    assert "9 forwards" in much.err
    before = pixels("a.png").astype(int)
    near, far = (np.abs(pixels(result.lines[0]) - before).mean() for result in (little, much))
    assert near < far
    (own,) = run("--strength", 1, "--steps", 4, "--invert", "--source", "a red circle").lines
    assert pixels(own).shape == (16, 16, 3)


@noise
def test_a_region_grows_and_closes(run) -> None:  # type: ignore[no-untyped-def]
    (grown,) = run("--extend", "left=4", "--resample", 2).lines
    assert np.array_equal(pixels(grown)[:, 4:], pixels("a.png"))
    result = run("--box", "0,0,0.5,0.5", "--resample", 3, "--steps", 4, "--explain")
    assert "10 forwards" in result.err
    assert np.array_equal(pixels(result.lines[0])[8:], pixels("a.png")[8:])


@noise
@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("size", ["--mask", "m.png"], "mask: has 8x8 pixels, the picture 16x16"),
        ("black", ["--mask", "m.png"], "black all over"),
        ("grey", ["--mask", "m.png"], "nowhere lighter than half"),
        ("L", ["--strength", "2"], "strength: 2.0 is not allowed"),
        ("L", ["--strength", "0.3", "--steps", "2"], "strength: 0.3 of 2 steps is none; give at least 0.5"),
        ("L", ["--source", "a cat"], "add --invert"),
        ("L", ["--resample", "0"], "resample: 0 is not allowed"),
        ("L", ["--extend", "right=16"], "give at most 12"),
        ("L", ["--sampler", "resample"], "sampler resample: draws tokens, this model denoises"),
    ],
)
def test_what_noise_cannot_do_is_one_line(run, kind: str, options: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    mask(kind)
    result = run(*options)
    assert result.code == 2
    (line,) = result.err.strip().splitlines()
    assert re.search(message, line)
    assert not list(Path("limn-runs").rglob("0*.png"))
