"""``limn adapt3d`` and what ``limn edit`` does with its models, with small random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import small_models
import toys3d_models
from limn import models

LOAD = models.load


@pytest.mark.slow
def test_a_model_is_adapted_and_shows_the_object_of_a_picture_from_all_sides(limn, tmp_path, monkeypatch) -> None:
    toys3d_models.model(tmp_path / "toys")
    small_models.native(tmp_path / "editor")
    monkeypatch.setattr(models, "load", LOAD)
    command = ["adapt3d", "--model", "toys", "--to", "in Noto style", "--out", "noto", "--editor", "editor"]
    few = ["--count", 4, "--views", 2, "--steps", 2, "--pose", 180]
    made = limn(*command, *few)
    assert made.code == 0, made.err
    assert made.lines == ["noto"]
    assert "limn: learned from 4 of" in made.err
    Image.new("RGB", (48, 48), (220, 60, 60)).save(tmp_path / "photo.png")
    turned = limn("edit", "photo.png", "a red chair", "--model", "noto", "--strength", 0.4, "--turntable", "t.webp")
    assert turned.code == 0, turned.err
    assert Path(turned.lines[-1]).name == "t.webp"
    with Image.open(tmp_path / "t.webp") as turning:
        assert getattr(turning, "n_frames", 1) > 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--to", " "], "to: say how"),
        (["--to", "x", "--strength", 3], "strength must be"),
        (["--to", "x", "--model", "shapes"], "flat pictures"),
    ],
)
def test_bad_input_is_named(limn, words, why, monkeypatch) -> None:
    monkeypatch.setattr(models, "load", LOAD)
    result = limn("adapt3d", "--model", "shapes", *words, "--out", "o")
    assert result.code == 2
    assert why in result.err


def test_what_a_file_of_prompts_says_besides_is_not_dropped(limn, tmp_path) -> None:
    (tmp_path / "p.jsonl").write_text('{"prompt": "a red chair", "seed": 4}')
    result = limn("adapt3d", "--model", "toys", "--to", "x", "--out", "o", "--prompts-file", "p.jsonl")
    assert result.code == 2
    assert "seed of a line cannot be used here" in result.err
