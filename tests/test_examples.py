from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

import toys
from limn import models

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
WRITES = {
    "film.py": "film.png",
    "hearts.py": "hearts.png",
    "images_server.py": None,
    "own_guidance.py": "between.png",
    "resume.py": "limn-runs",
    "samplers.py": None,
    "steer.py": "steered.png",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_as_it_stands(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load", toys.load)
    monkeypatch.setattr(sys, "argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out
    written = WRITES[path.name]
    assert written is None or (tmp_path / written).exists()
    assert len(path.read_text("utf-8").splitlines()) <= 40


def test_all_are_known() -> None:
    assert [path.name for path in EXAMPLES] == sorted(WRITES)
