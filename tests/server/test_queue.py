"""The queue on the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from limn.kernel.errors import StoreError
from limn.server.queue import CANCELLED, DONE, FullError, Queue
from servers import TOKEN

ROOT = Path(__file__).parents[2]


def test_jobs_come_in_their_order_and_end_once(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    names = [queue.add("draw", {"k": k}).id for k in range(3)]
    queue.move(names[2], 0)
    assert [job.id for job in queue.list()] == [names[2], names[0], names[1]]
    queue.move(names[2], 99)
    assert queue.ahead(names[2]) == 2
    first = queue.begin(0)
    assert first is not None
    assert (first.id, first.state, first.form) == (names[0], "running", {"k": 0})
    assert queue.cancel(first.id).state == "running"
    assert queue.cancel(names[1]).state == CANCELLED
    assert queue.end(first.id, DONE, {"x": 1}).result == {"x": 1}
    assert [job.id for job in queue.list()] == [names[2], names[0], names[1]]


def test_what_was_at_work_waits_again_after_a_restart(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    name = queue.add("draw", {}).id
    queue.begin(0)
    again = Queue(tmp_path).begin(0)
    assert again is not None
    assert again.id == name


def test_a_full_queue_and_unknown_jobs_are_refused(tmp_path: Path) -> None:
    queue = Queue(tmp_path, limit=1)
    queue.add("draw", {})
    with pytest.raises(FullError, match="1 jobs wait"):
        queue.add("draw", {})
    with pytest.raises(KeyError):
        queue.get("nope")


def test_old_jobs_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limn.server.queue.KEPT", 2)
    queue = Queue(tmp_path)
    names = [queue.add("draw", {}).id for _ in range(4)]
    for name in names:
        queue.end(name, DONE, {})
    assert {job.id for job in queue.list()} == set(names[2:])


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "queue.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"queue\.sqlite"):
        Queue(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_kill_9_in_mid_queue_loses_and_doubles_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "LIMN_TOKEN": TOKEN, "TOY_DELAY": "0.05", "PYTHONPATH": str(ROOT / "src")}
    command = [
        sys.executable,
        str(ROOT / "tests" / "toys.py"),
        "serve",
        "--port",
        "0",
        "--out",
        str(tmp_path / "store"),
    ]
    names: list[str] = []
    for turn in range(4):
        server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        assert server.stderr is not None
        url = next(line.split()[2].rstrip(",") for line in server.stderr if "serving" in line)
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
            if turn < 3:
                for k in range(5):
                    form = {"prompts": ["a cat"], "seed": 10 * turn + k, "n": 2}
                    names.append(client.post("/api/jobs", json=form).json()["id"])
                time.sleep(0.4)
                server.send_signal(signal.SIGKILL)
                server.communicate()  # waits, and closes the pipe
                continue
            for _ in range(1200):
                jobs = {job["id"]: job for job in client.get("/api/jobs", params={"limit": 100}).json()}
                if all(job["state"] == "done" for job in jobs.values()):
                    break
                time.sleep(0.05)
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)
    assert set(jobs) == set(names)
    assert {job["state"] for job in jobs.values()} == {"done"}
    pictures = [(one["key"], one["index"]) for job in jobs.values() for one in job["result"]["pictures"]]
    assert len(pictures) == len(set(pictures)) == 30
    assert len(list((tmp_path / "store").glob("runs/*/*/*.png"))) == 30
