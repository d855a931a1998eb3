"""Sets: drawn once, whole after a kill, never over somebody else's files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import made_sets
from limn.audit.run import AuditProgress
from limn.kernel.errors import InputError
from limn.synth.making import Choice, Made, make, open_set
from limn.synth.recipes.name import Name
from made_sets import CLASSES, files_of, make_set


def test_more_pictures_draw_only_what_is_missing(tmp_path: Path) -> None:
    make_set(tmp_path, 5)
    asks = Name().asks(made_sets.classes(), 8)
    events = list(make(asks, made_sets.source(), tmp_path, judge=made_sets.judge()))
    drawing = [event for event in events if isinstance(event, AuditProgress) and event.stage == "drawing"]
    assert drawing[0].kept == 12, "seed 3 of each of three classes fails and is tried again"
    assert isinstance(events[-1], Made)
    assert events[-1].record["asked"] == 24


def test_a_set_opens_as_it_was_made(tmp_path: Path) -> None:
    made = make_set(tmp_path, 6, noise=0.3, choice=Choice(judged=True))
    again = open_set(tmp_path)
    assert (again.chosen, again.record) == (made.chosen, made.record)
    (tmp_path / "set.json").unlink()
    with pytest.raises(InputError, match="no whole set"):
        open_set(tmp_path)


def test_foreign_files_and_audits_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="data"):
        make_set(tmp_path, 2)
    assert (tmp_path / "data" / "mine.txt").read_text() == "mine"
    with pytest.raises(InputError, match="filter"):
        next(make((), made_sets.source(), tmp_path, choice=Choice(judged=True)))


@pytest.mark.slow
def test_a_killed_set_goes_on_and_is_the_same(tmp_path: Path) -> None:
    listed = tmp_path / "classes.toml"
    listed.write_text(CLASSES)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, made_sets.__file__]
    subprocess.run([*command, str(whole), str(listed)], check=True, capture_output=True, timeout=200)
    for stop in (2, 6, 9):
        process = subprocess.Popen([*command, str(killed), str(listed)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(stop):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        time.sleep(0.05)
    subprocess.run([*command, str(killed), str(listed)], check=True, capture_output=True, timeout=200)
    assert files_of(killed) == files_of(whole)
    assert (killed / "set.json").read_bytes() == (whole / "set.json").read_bytes()
