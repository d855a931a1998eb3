"""The index: a cache of the run folders, for listing and searching thousands of them at once.

The folders are the truth. Before each listing the index is brought level with them: a folder whose modification time
differs from the one noted is read again, so drawing never waits for the database, and a lost or damaged index
costs one slower listing.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from limn.kernel.errors import InputError, LimnError, StoreError
from limn.store.atomic import explained, move_aside
from limn.store.lock import Lock
from limn.store.migrations import migrate
from limn.store.record import picture_total, read_request
from limn.store.run import picture_files

__all__ = ["Index", "RunInfo", "run_folders"]

T = TypeVar("T")

_FRESH = 2_000_000_000  # nanoseconds in which a folder may change again without a new modification time
_BUSY = 30.0  # seconds
_LIST = "SELECT key, created, model, prompt, total, drawn, finished, problem FROM runs"


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """A line in the list of runs.

    Args:
        key: The run's key.
        folder: Its folder.
        created: When it was first asked for, UTC, as text that sorts.
        model: Name of the model.
        prompt: The first prompt, shortened.
        total: Pictures asked for.
        drawn: Pictures there by name; :meth:`Run.done` checks their content.
        finished: Whether all are there and its record was written.
        problem: What is wrong with the folder, with the remedy; empty when nothing is.
    """

    key: str
    folder: Path
    created: str
    model: str
    prompt: str
    total: int
    drawn: int
    finished: bool
    problem: str


class Index:
    """The SQLite file of a store.

    Args:
        root: The store's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "index.sqlite"

    def select(self, *, limit: int | None = None, search: str | None = None, prefix: str = "") -> list[RunInfo]:
        """Return runs, newest first.

        Args:
            limit: At most so many.
            search: Words that must all occur in the prompts, the model's name or the key.
            prefix: How the key begins.

        Raises:
            StoreError: If the index cannot be used.
        """
        words = _storable(search or "").casefold().split()
        where = " AND ".join(["substr(key, 1, ?) = ?", *["instr(words, ?) > 0" for _ in words]])
        order = f"{_LIST} WHERE {where} ORDER BY created DESC, key LIMIT ?"
        most = -1 if limit is None else min(max(limit, 0), 2**31)
        values = [len(prefix), _storable(prefix), *words, most]

        def ask(connection: sqlite3.Connection) -> list[RunInfo]:
            self._refresh(connection)
            return [self._info(row) for row in connection.execute(order, values)]

        return self._use(ask)

    def rebuild(self) -> int:
        """Read every folder again and return how many runs there are."""

        def fill(connection: sqlite3.Connection) -> int:
            connection.execute("DELETE FROM runs")
            self._refresh(connection)
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])

        return self._use(fill)

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work on the database while no other process does; a damaged one is set aside and made anew."""
        with Lock(self.root / ".lock", f"the index of {self.root}", wait=_BUSY):
            try:
                with self._connect() as connection:
                    return work(connection)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise self._explained(error) from error
            self.set_aside()
            try:
                with self._connect() as connection:
                    return work(connection)
            except sqlite3.DatabaseError as error:
                raise self._explained(error) from error

    def set_aside(self) -> None:
        """Move the database's files out of the way."""
        for ending in ("-wal", "-shm", ""):
            path = self.path.with_name(self.path.name + ending)
            if path.exists():
                move_aside(path, self.root / "quarantine")

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            migrate(connection, self.path)
            yield connection

    def _refresh(self, connection: sqlite3.Connection) -> None:
        """Bring the rows level with the folders."""
        known = dict(connection.execute("SELECT key, stamp FROM runs"))
        found = {folder.name: folder for folder in run_folders(self.root)}
        rows = []
        for key, folder in found.items():
            with contextlib.suppress(FileNotFoundError, InputError):  # removed by hand just now
                stamp = folder.stat().st_mtime_ns
                if known.get(key) != stamp:
                    fresh = time.time_ns() - stamp < _FRESH
                    rows.append(_row(folder, 0 if fresh else stamp))
        gone = [(key,) for key in known if key not in found]
        if rows or gone:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM runs WHERE key = ?", gone)
            connection.executemany("DELETE FROM runs WHERE key = ?", [(row["key"],) for row in rows])
            connection.executemany(
                "INSERT INTO runs VALUES (:key, :stamp, :created, :model, :prompt, :words, :total, :drawn, "
                ":finished, :problem)",
                [row for row in rows if row["drawn"] or not row["empty"]],
            )
            connection.execute("COMMIT")

    def _info(self, row: tuple[Any, ...]) -> RunInfo:
        key, created, model, prompt, total, drawn, finished, problem = row
        return RunInfo(
            key=key,
            folder=self.root / "runs" / key[:2] / key,
            created=created,
            model=model,
            prompt=prompt,
            total=total,
            drawn=drawn,
            finished=bool(finished),
            problem=problem,
        )

    def _explained(self, error: sqlite3.DatabaseError) -> StoreError:
        remedy = {
            sqlite3.SQLITE_BUSY: "another program holds it; close that and try again",
            sqlite3.SQLITE_FULL: "the disk is full; free some space",
            sqlite3.SQLITE_READONLY: "it is read-only; change that or choose another folder",
            sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the folder's permissions",
        }.get(_code(error), f"{error}; check the disk or choose another folder")
        return StoreError(f"{self.path}: {remedy}")


def run_folders(root: Path) -> list[Path]:
    """Return the folders of a store that are named as runs, in order."""
    with explained(root):
        found = []
        for group in sorted((root / "runs").iterdir()):
            if re.fullmatch("[0-9a-f]{2}", group.name) and group.is_dir():
                found += [each for each in sorted(group.iterdir()) if _is_run(each)]
        return found


def _is_run(folder: Path) -> bool:
    named = re.fullmatch("[0-9a-f]{64}", folder.name) and folder.name[:2] == folder.parent.name
    return bool(named) and folder.is_dir()


def _row(folder: Path, stamp: int) -> dict[str, Any]:
    """Read what the index keeps of a run."""
    problem, wrapper = "", {}
    try:
        wrapper = read_request(folder)
    except InputError:
        problem = f"{folder / 'request.json'}: is missing; repair the store with `limn runs repair`"
    except LimnError as error:
        problem = str(error)
    request = wrapper.get("request", {})
    texts = list(_texts(request))
    model = _storable(str(request.get("model", "")))
    drawn, total = len(picture_files(folder)), picture_total(request)
    created = wrapper.get("created")
    if not isinstance(created, str):
        created = datetime.fromtimestamp(folder.stat().st_mtime, UTC).isoformat(timespec="microseconds")
    return {
        "key": folder.name,
        "stamp": stamp,
        "created": created,
        "model": model,
        "prompt": texts[0][:200] if texts else "",
        "words": "\n".join([folder.name, model, *texts])[:20_000].casefold(),
        "total": total,
        "drawn": drawn,
        "finished": (folder / "record.json").exists() and drawn >= total,
        "problem": problem,
        "empty": not (folder / "request.json").exists(),
    }


def _texts(request: Mapping[str, Any]) -> Iterator[str]:
    prompts = request.get("prompts")
    for prompt in prompts if isinstance(prompts, list) else []:
        text = prompt.get("text") if isinstance(prompt, Mapping) else prompt
        if isinstance(text, str):
            yield _storable(text)


def _storable(text: str) -> str:
    """Replace half characters, which SQLite cannot keep."""
    return text.encode("utf-8", "replace").decode()


def _code(error: sqlite3.DatabaseError) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    short_read = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHORT_READ
    return short_read or _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
