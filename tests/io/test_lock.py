from __future__ import annotations

import subprocess
import sys

import pytest

from limn.io.lock import Lock
from limn.kernel.errors import StoreError

HOLD = """
import sys, time
from pathlib import Path
from limn.io.lock import Lock
with Lock(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_holder_is_named_and_its_death_frees_the_lock(tmp_path):
    path = tmp_path / ".lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StoreError, match=f"it: process {holder.pid} is at work"), Lock(path, "it", wait=0.0):
        pass
    holder.kill()
    holder.communicate(timeout=30)
    with Lock(path, "it", wait=10.0):
        assert path.read_text() != str(holder.pid)


def test_a_lock_is_free_after_an_error(tmp_path):
    for _ in range(3):
        with pytest.raises(RuntimeError), Lock(tmp_path / ".lock", "it", wait=0.0):
            raise RuntimeError


def test_two_in_one_process_exclude_each_other(tmp_path):
    with (
        Lock(tmp_path / ".lock", "it"),
        pytest.raises(StoreError, match="this process"),
        Lock(tmp_path / ".lock", "it", wait=0.0),
    ):
        pass


def test_a_lock_follows_no_link(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".lock").symlink_to(tmp_path / "mine")
    with (
        pytest.raises(StoreError, match="lock: is a link, which limn does not follow"),
        Lock(tmp_path / ".lock", "it"),
    ):
        pass
    assert (tmp_path / "mine").read_text() == "mine"
