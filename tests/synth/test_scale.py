"""Sets and pictures drawn by several processes: those of one process, bit for bit, also where one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CLASSES = '[classes.heart]\nname = "red heart"\n[classes.dog]\nname = "dog face"\n[classes.star]\n'
MAKE = ["synth", "make", "classes.toml", "--n", "6", "--batch", "3", "--steps", "2", "--keep-twins"]
DRAW = ["generate", "a red heart", "a dog", "-n", "4", "--batch", "3", "--steps", "2", "--no-sign"]

pytestmark = pytest.mark.slow


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "limn", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("RAY_ADDRESS", None)
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def run(folder: Path, *words: str) -> None:
    assert start(folder, *words).wait(timeout=500) == 0


def pixels(folder: Path) -> dict[str, bytes]:
    from limn.io.pictures import read_picture

    return {path.name: read_picture(path).tobytes() for path in sorted(folder.rglob("*.png"))}


def workers(of: int) -> list[int]:
    """Return the processes below one that draw."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    parents = {int(pid): int(parent) for pid, parent, *_ in rows}

    def below(pid: int) -> bool:
        while pid in parents and pid != of:
            pid = parents[pid]
        return pid == of

    return [int(pid) for pid, _, *words in rows if words and "ray::_Worker" in words[0] and below(int(pid))]


def test_sets_and_pictures_are_those_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    (tmp_path / "classes.toml").write_text(CLASSES)
    run(tmp_path, *MAKE, "--out", "one")
    process = start(tmp_path, *MAKE, "--out", "many", "--engine", "ray:workers=2")
    killed = 0
    while process.poll() is None and not killed:
        time.sleep(0.05)
        drawing = workers(process.pid) if len(pixels(tmp_path / "many" / "pictures")) else []
        if drawing:
            os.kill(drawing[0], signal.SIGKILL)
            killed = drawing[0]
    assert process.wait(timeout=500) == 0
    assert killed, "a worker was killed while the set was drawn"
    assert pixels(tmp_path / "many" / "pictures") == pixels(tmp_path / "one" / "pictures")
    assert (tmp_path / "many" / "set.json").read_bytes() == (tmp_path / "one" / "set.json").read_bytes()
    assert len(pixels(tmp_path / "many" / "pictures")) == 18


def test_a_request_drawn_by_two_workers(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    run(tmp_path, *DRAW, "--out", "one")
    run(tmp_path, *DRAW, "--out", "two", "--engine", "ray:workers=2")
    assert pixels(tmp_path / "two") == pixels(tmp_path / "one")
    assert len(pixels(tmp_path / "two")) == 8
