"""The how-to page on steering runs as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
from PIL import Image

import toys
from limn import models
from limn.kernel import registry
from limn.networks.weights import write_tensors

LOAD = models.load

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "steer.md").read_text("utf-8")
COMMANDS = sorted({line.split(" #")[0].strip() for line in re.findall(r"(?m)^limn .*$", TEXT)})
GUIDES = [each for each in re.findall(r"`([^`\n]+)`", TEXT) if each.split(":")[0] in registry.names("guidance")]
AXES = [each.replace("\\|", "|") for each in re.findall(r"(?m)^\| `(\w+=[^`]+)`", TEXT)]


@pytest.fixture(autouse=True)
def _files(limn, tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), "#ff0000")
    image.paste("#ffff00", (8, 0, 16, 16))
    image.save(tmp_path / "painting.png")
    (tmp_path / "request.toml").write_text(re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)[0])


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_runs(limn, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "tuned.safetensors" in line:  # toys have no layers to tune
        monkeypatch.setattr(models, "load", LOAD)
        layer = "trunk.blocks.0.out"
        change = {f"{layer}.lora_A.weight": torch.zeros(1, 256), f"{layer}.lora_B.weight": torch.zeros(256, 1)}
        write_tensors(tmp_path / "tuned.safetensors", change)
    result = limn(*shlex.split(line)[1:])
    assert result.code == 0, result.err


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_runs(limn, axis: str) -> None:
    assert limn("generate", "a cat", "--grid-x", axis).code == 0


@pytest.mark.parametrize("text", GUIDES)
def test_every_guidance_is_one(text: str) -> None:
    registry.parse("guidance", text)


def test_there_are_some() -> None:
    assert len(COMMANDS) >= 7
    assert len(AXES) == 4
    assert len(GUIDES) >= 15


def test_the_python_runs(limn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(models, "load", toys.load)
    exec("\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)), {})
    assert "grids" in capsys.readouterr().out
