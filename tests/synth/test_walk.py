"""The walk of docs/how-to/synth.md, as small as it goes: each command of the page does what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_set_is_made_opened_and_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    command = [sys.executable, "-m", "benchmarks.synth_walk", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(next(tmp_path.rglob("synth_walk.json")).read_text())
    assert result["pictures made, opened with datasets and trained on"] == 20
    assert result["real pictures named rightly"]["n"] == 40
