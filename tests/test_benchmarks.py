"""Benchmarks are programs; no test imports them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def test_figures_of_pages_are_those_of_the_results() -> None:
    command = [sys.executable, "-m", "benchmarks.pages", "--check"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_every_result_names_a_command_that_claims_run() -> None:
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "benchmarks.claims", "--list"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    listed = done.stdout.splitlines()
    for path in (root / "benchmarks" / "results").glob("*.json"):
        own = json.loads(path.read_text("utf-8"))["command"]
        assert own in listed or f"{path.stem} is left out" in done.stderr
        module = re.fullmatch(r"python -m ([\w.]+)( [^;]*)?", own)
        assert module, f"{path.name}: {own}"
        place = root / module[1].replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), own
    unknown = subprocess.run([*command, "nothing"], cwd=root, capture_output=True, text=True, check=False)
    assert unknown.returncode == 2
    assert "nothing: not in results" in unknown.stderr


PARTS = """
from benchmarks.kit.run import run

def one(*, count: int = 1, most: int = 5):
    return {"count": count, "most": most}

def two(*, count: int = 2):
    return {"count": count}

if __name__ == "__main__":
    run({"one": one, "two": two}, quick={"count": 0})
"""


@pytest.mark.parametrize(
    ("words", "counts"),
    [([], (1, 2)), (["--count", "7"], (7, 7)), (["--quick"], (0, 0)), (["--quick", "--count=7"], (7, 7))],
)
def test_parts_that_share_an_option_keep_their_own_defaults(
    tmp_path: Path, words: list[str], counts: tuple[int, int]
) -> None:
    (tmp_path / "parted.py").write_text(PARTS)
    command = [sys.executable, "-m", "parted", "--out", str(tmp_path), *words]
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parents[1]}:{tmp_path}"}
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)
    one, two = (json.loads((tmp_path / f"parted_{part}.json").read_text("utf-8")) for part in ("one", "two"))
    assert (one["count"], two["count"], one["most"]) == (*counts, 5)


def test_the_table_of_faults_names_tests_that_exist() -> None:
    root = Path(__file__).parents[1]
    text = (root / "benchmarks" / "faults.py").read_text("utf-8")
    named = re.findall(r'"((?:\w+/)*test_\w+\.py)(?:::(\w+))?', text)
    assert len(named) > 50
    for file, name in named:
        assert not name or f"def {name}(" in (root / "tests" / file).read_text("utf-8"), f"{file}::{name}"
    assert text.count("    Fault(") == 30


@pytest.mark.slow
def test_a_few_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.kills",
        "--kills",
        "3",
        "--verbs",
        "generate",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "kills.json").read_text("utf-8"))
    assert result["all"] == {"kills": 3, "lost": 0, "doubled": 0, "damaged": 0, "unlike": 0}
