"""Cards say the same to programs and to people; hashes are what a later loading is held against."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from limn.kernel.errors import WeightsError
from limn.networks.weights import read_tensors, write_tensors
from limn.train.card import write_card
from limn.train.model_folder import write_sums

CARD = {
    "name": "tiny", "kind": "A model", "draws": "dots", "data": "none", "licence": "Apache-2.0", "size": 8,
    "parameters": 12_345, "network": "width 8", "recipe": "flow", "training": "9 steps",
    "figures": {"dots right": "50 %"},
}  # fmt: skip


def test_both_cards_say_the_same(tmp_path: Path) -> None:
    write_card(tmp_path, CARD)
    assert json.loads((tmp_path / "card.json").read_text("utf-8")) == CARD
    text = (tmp_path / "MODEL_CARD.md").read_text("utf-8")
    assert "| dots right | 50 % |" in text
    assert "12,345" in text
    write_card(tmp_path, {**CARD, "figures": {}})
    assert "not measured" in (tmp_path / "MODEL_CARD.md").read_text("utf-8")


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    write_tensors(tmp_path / "model.safetensors", {"a": torch.ones(4)})
    write_sums(tmp_path)
    assert torch.equal(read_tensors(tmp_path / "model.safetensors")["a"], torch.ones(4))
    write_tensors(tmp_path / "model.safetensors", {"a": torch.zeros(4)})
    with pytest.raises(WeightsError, match="SHA-256"):
        read_tensors(tmp_path / "model.safetensors")
