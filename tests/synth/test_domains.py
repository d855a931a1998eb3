"""Styles as domains, as small as it goes: every arm learns, and what was made is kept and made once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def measured(out: Path, part: str) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    command = [sys.executable, "-m", "benchmarks.synth_domains", part, "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((out / f"synth_domains_{part}.json").read_text())  # type: ignore[no-any-return]


@pytest.mark.slow
def test_styles_are_left_out_and_pictures_are_made_once(tmp_path: Path) -> None:
    first = measured(tmp_path, "styles")
    assert first["runs"] == 4
    arms = first["named rightly where a style is left out"]
    assert all(0 <= row["all"]["share"] <= 1 for row in arms.values())
    assert first["made pictures by judge_b"]["by text"]["class is seen"]["n"] == 4 * 2 * 3
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "synth_domains").rglob("*.npz")}
    assert len(kept) == 4 * 3
    assert measured(tmp_path, "styles") == first
    assert kept == {path: path.stat().st_mtime_ns for path in kept}


@pytest.mark.slow
def test_grounds_are_planted_and_their_gap_is_that_of_both_tests(tmp_path: Path) -> None:
    for row in measured(tmp_path, "background")["named rightly where the ground is planted"].values():
        assert row["gap"]["share"] == pytest.approx(row["aligned"]["share"] - row["conflicting"]["share"])
