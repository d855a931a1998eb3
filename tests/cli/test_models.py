from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from limn import models

CARD = {
    "draws": "small [b]things[/b]",
    "size": 64,
    "parameters": 7_300_000,
    "licence": "Apache-2.0",
    "styles": {"flat": "{}"},
}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One shipped model with a card that says more than the table shows."""
    folder = tmp_path / "weights" / "small"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    card = {**CARD, "figures": {"right": 0.9}, "sha256": {"model.safetensors": digest}, "papers": ["lipman2023flow"]}
    (folder / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(models, "SHIPPED", folder.parent)
    return folder


def test_models_are_a_table(limn, shipped) -> None:
    result = limn("models")
    assert result.code == 0
    assert result.lines[1].split()[0] == "small"
    for cell in ("small [b]things[/b]", "7.3 M", "Apache-2.0", "right 0.9"):
        assert cell in result.lines[1]
    assert "styles of small: flat" in result.err


def test_the_table_has_one_figure_of_many(limn, shipped) -> None:
    card = json.loads((shipped / "card.json").read_text())
    figures = {"right": 0.9, "left": 0.8, "wrong": 0.1}
    (shipped / "card.json").write_text(json.dumps({**card, "figures": figures}))
    assert "right 0.9, 2 more with --json" in limn("models").lines[1]
    assert json.loads(limn("models", "--json").out)[0]["figures"] == figures


def test_json_holds_the_whole_card(limn, shipped) -> None:
    (card,) = json.loads(limn("models", "--json").out)
    assert card["name"] == "small"
    assert card["papers"] == ["lipman2023flow"]


def test_doctor_checks_hashes(limn, shipped) -> None:
    result = limn("doctor")
    assert "1 files, hashes right" in result.out
    assert result.code == 0
    (shipped / "model.safetensors").write_bytes(b"abd")
    damaged = limn("doctor")
    assert "model.safetensors has another hash" in damaged.out
    assert damaged.code == 1
    (shipped / "SHA256SUMS").write_text(f"{sha256(b'abd').hexdigest()}  model.safetensors\n")
    assert limn("doctor").code == 0


def test_cite_names_the_papers_of_models(limn, shipped) -> None:
    assert "@inproceedings{lipman2023flow," in limn("cite").out
