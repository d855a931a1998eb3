"""What was asked and is not done yet, in a file: an accepted job outlives the process, and is finished once."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.atomic import explained, make_folder
from limn.kernel.errors import LimnError, StoreError
from limn.store.record import now

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
KEPT: Final = 1000
"""How many jobs that have ended are remembered; their pictures stay in the store."""

_TABLE: Final = """CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, place REAL NOT NULL, kind TEXT NOT NULL, form TEXT NOT NULL, state TEXT NOT NULL,
    created TEXT NOT NULL, started TEXT, finished TEXT, result TEXT NOT NULL DEFAULT '{}',
    problem TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID"""
_COLUMNS: Final = "id, kind, form, state, created, started, finished, result, problem"


class FullError(LimnError):
    """The queue has as many jobs as it may."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One thing that was asked.

    Args:
        id: Its name.
        kind: What is to be done with the form.
        form: What was asked, as JSON.
        state: waiting, running, done, failed or cancelled.
        created: When it was accepted, UTC; ``started`` and ``finished`` likewise.
        started: When work on it began; None before.
        finished: When it ended; None before.
        result: What came of it.
        problem: Why it failed.
    """

    id: str
    kind: str
    form: dict[str, Any]
    state: str
    created: str
    started: str | None = None
    finished: str | None = None
    result: dict[str, Any]
    problem: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (DONE, FAILED, CANCELLED)


class Queue:
    """Jobs in the order in which they are done.

    Args:
        folder: Where its file is; made when missing.
        limit: Most jobs that wait.
    """

    def __init__(self, folder: Path, *, limit: int = 500) -> None:
        make_folder(folder)
        self.path, self.limit = folder / "queue.sqlite", limit
        self._lock = threading.RLock()
        self.changed = threading.Condition(self._lock)
        with explained(self.path):
            if self.path.is_symlink():
                raise StoreError(f"{self.path}: is a link, which limn does not follow here; remove it")
        self._file = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=30)
        with self._used():
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")  # what was accepted must last
            self._file.execute(_TABLE)
            self._file.execute("CREATE INDEX IF NOT EXISTS states ON jobs (state, place)")
            self._file.execute("UPDATE jobs SET state = ? WHERE state = ?", (WAITING, RUNNING))

    def add(self, kind: str, form: Mapping[str, Any]) -> Job:
        """Accept a job; when this returns, the disk has it.

        Raises:
            FullError: As many wait as may.
        """
        with self._used():
            if self.count(WAITING) >= self.limit:
                raise FullError(f"queue: {self.limit} jobs wait already; try again later")
            name = secrets.token_hex(8)
            (last,) = self._file.execute("SELECT max(place) FROM jobs").fetchone()
            self._file.execute(
                "INSERT INTO jobs (id, place, kind, form, state, created) VALUES (?, ?, ?, ?, ?, ?)",
                (name, (last or 0) + 1, kind, json.dumps(form), WAITING, now()),
            )
            self.changed.notify_all()
            return self.get(name)

    def get(self, name: str) -> Job:
        """Return a job.

        Raises:
            KeyError: There is none of this name.
        """
        with self._used():
            row = self._file.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (name,)).fetchone()
        if row is None:
            raise KeyError(name)
        return _job(row)

    def list(self, limit: int = 200) -> list[Job]:
        """Return jobs: those at work and waiting in their order, then those that ended, the last first."""
        order = (
            "ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END, "
            "CASE WHEN state IN ('running', 'waiting') THEN place END, finished DESC LIMIT ?"
        )
        with self._used():
            return [_job(row) for row in self._file.execute(f"SELECT {_COLUMNS} FROM jobs {order}", (limit,))]

    def count(self, state: str) -> int:
        """Return how many jobs are in a state."""
        with self._used():
            return int(self._file.execute("SELECT count(*) FROM jobs WHERE state = ?", (state,)).fetchone()[0])

    def ahead(self, name: str) -> int:
        """Return how many jobs are done before this one."""
        with self._used():
            return int(
                self._file.execute(
                    "SELECT count(*) FROM jobs WHERE state = 'running' OR "
                    "(state = 'waiting' AND place < (SELECT place FROM jobs WHERE id = ?))",
                    (name,),
                ).fetchone()[0]
            )

    def begin(self, wait: float) -> Job | None:
        """Take the next job to work on; None when there is none after so many seconds."""
        with self._used():
            row = self._next()
            if row is None:
                self.changed.wait(wait)
                row = self._next()
            if row is None:
                return None
            self._file.execute("UPDATE jobs SET state = ?, started = ? WHERE id = ?", (RUNNING, now(), row[0]))
            return self.get(row[0])

    def end(self, name: str, state: str, result: Mapping[str, Any], problem: str = "") -> Job:
        """Note what came of a job, and forget the oldest that ended."""
        with self._used():
            self._file.execute(
                "UPDATE jobs SET state = ?, finished = ?, result = ?, problem = ? WHERE id = ?",
                (state, now(), json.dumps(result), problem, name),
            )
            self._file.execute(
                "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled') "
                "ORDER BY finished DESC LIMIT -1 OFFSET ?)",
                (KEPT,),
            )
            return self.get(name)

    def cancel(self, name: str) -> Job:
        """Take a waiting job out; one at work is the worker's to stop."""
        with self._used():
            job = self.get(name)
            return self.end(name, CANCELLED, {}) if job.state == WAITING else job

    def move(self, name: str, place: int) -> None:
        """Put a waiting job at a place among those that wait, counted from 0."""
        with self._used():
            self.get(name)
            rows = self._file.execute(
                "SELECT id, place FROM jobs WHERE state = 'waiting' AND id != ? ORDER BY place", (name,)
            ).fetchall()
            places = [row[1] for row in rows]
            place = min(max(place, 0), len(places))
            before = places[place - 1] if place else (places[0] - 2 if places else 0)
            after = places[place] if place < len(places) else before + 2
            self._file.execute(
                "UPDATE jobs SET place = ? WHERE id = ? AND state = 'waiting'", ((before + after) / 2, name)
            )

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def _next(self) -> Any:
        return self._file.execute("SELECT id FROM jobs WHERE state = 'waiting' ORDER BY place LIMIT 1").fetchone()

    @contextmanager
    def _used(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise StoreError(
                    f"{self.path}: {error}; check the disk, or remove the file to forget jobs"
                ) from error


def _job(row: tuple[Any, ...]) -> Job:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Job(**{**values, "form": json.loads(values["form"]), "result": json.loads(values["result"])})
