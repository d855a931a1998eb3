"""What every registered reader must satisfy; the checks themselves are `limn.testing`'s."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limn.audit.readers.reader import open_reader
from limn.kernel import registry
from limn.testing import check_reader

OWN = """
FIELDS = {"light": ("dark", "bright"), "mean": ()}
def light(pictures):
    return [{"light": "bright" if p.mean() > 127 else "dark", "mean": float(p.mean())} for p in pictures]
"""
APART = ("nudenet", "opennsfw", "noisy")
"""Those that need packages that tests do not install, and the one that errs on purpose."""


@pytest.mark.parametrize("name", [name for name in registry.names("readers") if name not in APART])
def test_reads_any_picture(name: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "phrases.json").write_text(json.dumps({"thing": {"heart": "a red heart", "star": "a yellow star"}}))
    options = {
        "user_function": f"{tmp_path / 'own.py'}:light",
        "zero_shot": f"model=judge_a,phrases={tmp_path / 'phrases.json'}",
    }
    check_reader(open_reader(f"{name}:{options[name]}" if name in options else name))
