"""The command line on a real model folder, small and untrained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from limn import models
from limn.networks.transformer import Transformer
from limn.networks.weights import write_tensors

LOAD = models.load
SHAPE = {"width": 32, "depth": 2, "heads": 2, "channels": 3, "grid": 16, "patch": 4, "text_width": 128}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A native model of 16-pixel pictures with random weights."""
    torch.manual_seed(0)
    transformer = Transformer.from_config(SHAPE)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    path = tmp_path / "tiny"
    path.mkdir()
    write_tensors(path / "model.safetensors", transformer.state_dict())
    config = {
        "family": "native",
        "size": 16,
        "transformer": SHAPE,
        "steps": 3,
        "batch": 4,
        "styles": {"flat": "{}, flat"},
    }
    (path / "config.json").write_text(json.dumps(config))
    return path


def test_a_folder_draws_and_replays_to_the_last_bit(limn, folder, monkeypatch) -> None:
    monkeypatch.setattr(models, "load", LOAD)
    result = limn("generate", "a red heart", "a cat on a mat", "-n", 3, "--model", "tiny", "--style", "flat")
    assert result.code == 0, result.err
    assert len(result.lines) == 6
    replayed = limn("runs", "replay", *result.lines)
    assert replayed.out.count("identical to the last bit") == 6
    assert replayed.code == 0
    folder.rename(folder.with_name("moved"))
    assert limn("runs", "replay", result.lines[0]).code == 2
    assert limn("runs", "replay", result.lines[0], "--model", "moved").code == 0


def test_damaged_weights_are_one_line(limn, folder, monkeypatch) -> None:
    monkeypatch.setattr(models, "load", LOAD)
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    for content in (b"", whole[:100], whole[:-1]):
        path.write_bytes(content)
        result = limn("generate", "a cat", "--model", "tiny")
        assert result.code == 2
        assert "model.safetensors" in result.err
        assert result.err.count("\n") == 1
