"""Styles as domains, as small as it goes: every arm learns, and what was made is kept and made once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
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
def test_planted_grounds_are_drawn_anew_and_every_arm_sees_both_tests(tmp_path: Path) -> None:
    arms = measured(tmp_path, "background")["named rightly where the ground is planted"]
    results = [json.loads(path.read_text())["right"] for path in tmp_path.rglob("results/*.json")]
    assert len(results) == len(arms) == 5
    assert all(set(right) == {"aligned", "conflicting"} for right in results)
    [file] = tmp_path.rglob("*.npz")
    made = np.load(file)
    assert made["pictures"].shape == (2 * 3, 64, 64, 3)
    planted = np.repeat([(224, 32, 32), (240, 144, 32)], 3, axis=0)
    assert not (made["pictures"][:, 0, 0] == planted).all(1).any()
