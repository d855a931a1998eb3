"""Processes that are stopped: at any moment, in any verb, once or twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from limn.train.checkpoint import load

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

TINY = """
name = "tiny"
data = {world = "shapes"}
network = {width = 16, depth = 1, heads = 2, channels = 3, grid = 32, patch = 8, text_width = 128}
optimiser = {batch = 4}
schedule = {steps = 100000}
saving = {steps = 5, sheet_minutes = 0.0}
"""
TOYS = [str(Path(__file__).parents[1] / "toys.py")]
LIMN = ["-m", "limn"]
SWALLOWS = """
import time
from limn import cli, models

def names():
    print("at work", flush=True)
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass

models.names = names
cli.main()
"""
FINISHES = """
import time
from limn import cli
from limn.cli import interrupts, models

def verb(json: bool = False):
    with interrupts.finishing("stopping soon") as asked:
        print("at work", flush=True)
        while True:
            time.sleep(0.01)

from limn.cli.app import app
app.command("hang")(verb)
cli.main()
"""


def start(folder: Path, *words: str, answer: Any = signal.SIG_DFL) -> subprocess.Popen[str]:
    """Start Python; how Ctrl-C is answered at first is said, since it is inherited."""
    return subprocess.Popen(
        [sys.executable, *words], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "TOY_DELAY": "0.02", "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, answer),
    )  # fmt: skip


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".limn-*.tmp"))


@pytest.mark.parametrize(("words", "number"), [
    ([*TOYS, "generate", "a cat", "-n", "400"], signal.SIGINT),
    ([*LIMN, "audit", "stereotypes", "--model", "oracle", "--reader", "people", "--n", "40"], signal.SIGTERM),
    ([*LIMN, "train", "tiny.toml", "--out", "run"], signal.SIGINT),
    ([*LIMN, "models"], signal.SIGTERM),
])  # fmt: skip
def test_a_signal_at_any_moment_ends_the_command(tmp_path: Path, words: list[str], number: int) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    process = start(tmp_path, *words)
    time.sleep(random.Random(" ".join(words[1:])).uniform(0.3, 2.5))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (128 + number, -number, 0), err
    if process.returncode == 128 + number:
        assert err.splitlines()[-1].startswith("limn: stopped")
    assert "Traceback" not in err or process.returncode == -number  # Python itself was still starting
    assert leftovers(tmp_path) == []


@pytest.mark.slow
def test_training_ends_its_step_and_saves_it(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    process = start(tmp_path, *LIMN, "train", "tiny.toml", "--out", "run")
    manifest, deadline = tmp_path / "run" / "checkpoint.json", time.monotonic() + 200
    while not manifest.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert err.splitlines()[-1] == "limn: stopped; saved in run; the same command goes on"
    checkpoint = load(tmp_path / "run")
    assert checkpoint is not None
    assert checkpoint.step >= 5
    assert leftovers(tmp_path) == []


def test_what_swallows_every_exception_is_stopped_too(tmp_path: Path) -> None:
    process = start(tmp_path, "-c", SWALLOWS, "models")
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "limn: stopped\n")
    assert process.returncode == 130


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    process = start(tmp_path, "-c", FINISHES, "hang")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline() == "limn: stopping soon; again to stop at once\n"
    process.send_signal(signal.SIGTERM)  # as `timeout` does, which counts as one
    time.sleep(0.4)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 143


def test_signals_that_are_to_be_ignored_stay_so(tmp_path: Path) -> None:
    process = start(tmp_path, "-c", SWALLOWS, "models", answer=signal.SIG_IGN)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
