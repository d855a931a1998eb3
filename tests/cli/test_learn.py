"""``limn learn``: from pictures to one file, also when it is stopped on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lessons
from limn import models
from limn.cli import interrupts

LOAD = models.load


@pytest.fixture
def model(limn: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model's folder, in the empty folder that commands run in."""
    monkeypatch.setattr(models, "load", LOAD)
    lessons.native(Path("model"))
    lessons.pictures(Path("photos"))
    return Path("model")


def options(model: Path, *, steps: int, looks: int) -> tuple[Any, ...]:
    names = {"model": model, "thing": "dog", "out": "zorp.safetensors", "steps": steps, "every": 1, "looks": looks}
    return tuple(word for name, value in names.items() for word in (f"--{name}", value))


def test_a_word_is_learned_and_used(limn: Any, model: Path) -> None:
    asked = options(model, steps=2, looks=1)
    result = limn("learn", "textual_inversion:batch=1", "photos", *asked)
    assert result.code == 0, result.err
    assert result.lines == ["zorp.safetensors"]
    assert "limn: step 1: held-out loss " in result.err
    assert result.err.count("length over usual") == 3, "at the start and at each step"
    assert "limn: kept step 2; curves: zorp.svg" in result.err
    assert sorted(path.name for path in Path("zorp.learning/sheets").iterdir()) == [
        "000000.png", "000001.png", "000002.png",
    ]  # fmt: skip
    drawn = limn("generate", "a red zorp", "--model", model, "--adapter", "zorp.safetensors", "--negative", "zorp")
    assert drawn.code == 0, drawn.err
    again = limn("learn", "textual_inversion:batch=1", "photos", *asked)
    assert again.lines == ["zorp.safetensors"], "what is done is done"


def test_ctrl_c_keeps_the_best_so_far(limn: Any, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts._watch, "number", 2)
    asked = options(model, steps=4, looks=0)
    result = limn("learn", "dreambooth:batch=1,pictures=2", "photos", "--rank", 2, *asked)
    assert result.code == 130
    assert result.lines == ["zorp.safetensors"]
    assert "stopped; the same command goes on" in result.err
    monkeypatch.setattr(interrupts._watch, "number", 0)
    whole = limn("learn", "dreambooth:batch=1,pictures=2", "photos", "--rank", 2, *asked)
    assert whole.code == 0, whole.err
    assert "kept step 4" in whole.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dreambooht", "photos"), "did you mean 'dreambooth'"),
        (("dreambooth:rang=2", "photos"), "did you mean 'rank'"),
        (("textual_inversion", "photos"), "--thing"),
        (("lora", "photos"), "has no caption"),
        (("lora", "photos/0.png", "notes.png"), "notes.png: not a readable"),
        (("lora", "photos", "--caption", "a", "--caption", "b"), "caption: 2 for 3 pictures"),
        (("textual_inversion", "photos", "--rank", 2), "rank"),
    ],
)
def test_what_cannot_be_learned_is_one_line(limn: Any, model: Path, arguments: tuple[Any, ...], said: str) -> None:
    Path("notes.png").write_text("not a picture")
    result = limn("learn", *arguments, "--model", model, "--out", "x.safetensors")
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1
    assert not Path("x.safetensors").exists()


def test_methods_are_listed(limn: Any) -> None:
    result = limn("learner", "list")
    assert {line.split()[0] for line in result.lines[1:]} >= {"dreambooth", "lora", "sine", "textual_inversion"}
    assert "prior" in limn("learner", "show", "dreambooth").out
