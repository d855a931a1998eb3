"""What every registered reader must satisfy; the checks themselves are `limn.testing`'s."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from limn.audit.readers.reader import open_reader
from limn.kernel import registry
from limn.testing import check_reader

OWN = """
FIELDS = {"light": ("dark", "bright"), "mean": ()}
def light(pictures):
    return [{"light": "bright" if p.mean() > 127 else "dark", "mean": float(p.mean())} for p in pictures]
"""
APART = ("nudenet", "opennsfw", "noisy", "vqa")
"""Those that need packages or models that tests do not have, and the one that errs on purpose."""


def labelled(folder: Path) -> None:
    """Write a table of pictures that people labelled, a bright one and a dark one."""
    for name, grey in (("bright", 240), ("dark", 10)):
        Image.new("RGB", (8, 8), (grey, grey, grey)).save(folder / f"{name}.png")
    (folder / "labels.csv").write_text("file,light\nbright.png,bright\ndark.png,dark\n")


@pytest.mark.parametrize("name", [name for name in registry.names("readers") if name not in APART])
def test_reads_any_picture(name: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    phrases = {"thing": {"heart": ["a red heart"], "star": ["a yellow star"]}}
    (tmp_path / "phrases.json").write_text(json.dumps(phrases))
    own, labels = f"{tmp_path / 'own.py'}:light", tmp_path / "labels.csv"
    options = {
        "user_function": own,
        "zero_shot": f"model=judge_a,phrases={tmp_path / 'phrases.json'}",
        "calibrated": f"reader='user_function:function={own}',labels={labels}",
    }
    labelled(tmp_path)
    check_reader(open_reader(f"{name}:{options[name]}" if name in options else name))
