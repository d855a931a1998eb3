"""Benchmarks are programs; no test imports them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_figures_of_pages_are_those_of_the_results() -> None:
    command = [sys.executable, "-m", "benchmarks.pages", "--check"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
