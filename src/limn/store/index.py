"""The index: a cache of the run folders, for listing and searching thousands of them at once.

The folders are the truth. Before each listing the index is brought level with them: a folder whose modification time
differs from the one noted is read again, so drawing never waits for the database, and a lost or damaged index
costs one slower listing.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from limn.io.atomic import explained
from limn.io.lock import Lock
from limn.kernel.errors import InputError, StoreError
from limn.store.info import RunInfo, row_of, run_folders, storable
from limn.store.migrations import migrate

T = TypeVar("T")

_FRESH = 2_000_000_000  # nanoseconds in which a folder may change again without a new modification time
_BUSY = 30.0  # seconds
_NOT_DAMAGE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
_TYPES = (str, str, str, str, int, int, int, str)
_LIST = "SELECT key, created, model, prompt, total, drawn, finished, problem FROM runs"


class Index:
    """The SQLite file of a store.

    Args:
        root: The store's folder.
        write: Whether the index must be kept; otherwise one in memory will do where it cannot be.
    """

    def __init__(self, root: Path, *, write: bool = True) -> None:
        self.root, self.path, self.write = root, root / "index.sqlite", write

    def select(self, *, limit: int | None = None, search: str | None = None, prefix: str = "") -> list[RunInfo]:
        """Return runs, newest first.

        Args:
            limit: At most so many.
            search: Words that must all occur in the prompts, the model's name or the key.
            prefix: How the key begins.

        Raises:
            StoreError: If the index cannot be used.
        """
        where, wanted = _searched(storable(search or "").casefold().split())
        order = f"{_LIST} WHERE substr(key, 1, ?) = ?{where} ORDER BY created DESC, key LIMIT ?"
        most = -1 if limit is None else min(max(limit, 0), 2**31)
        values = [len(prefix), storable(prefix), *wanted, most]

        def ask(connection: sqlite3.Connection) -> list[RunInfo]:
            self._refresh(connection)
            return [self._info(row) for row in connection.execute(order, values)]

        return self._use(ask)

    def rebuild(self) -> int:
        """Make the index anew from the folders and return how many runs there are.

        Raises:
            StoreError: If the index is of a newer schema, or cannot be written.
        """

        def fill(connection: sqlite3.Connection) -> int:
            self._refresh(connection)
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])

        return self._use(fill, anew=True)

    def _use(self, work: Callable[[sqlite3.Connection], T], *, anew: bool = False) -> T:
        """Do work on the database, or on one in memory where the store can only be read."""
        try:
            return self._use_kept(work, anew=anew)
        except StoreError:
            if self.write:
                raise
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            migrate(connection, self.path)
            return work(connection)

    def _use_kept(self, work: Callable[[sqlite3.Connection], T], *, anew: bool) -> T:
        """Do work on the database while no other process does; a damaged one is removed and made anew."""
        with Lock(self.root / ".lock", f"the index of {self.root}", wait=_BUSY):
            try:
                with self._connect() as connection:
                    if not anew:
                        return work(connection)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise self._explained(error) from error
            with explained(self.path):
                for path in self._files:  # nothing is lost: the folders are the truth
                    path.unlink(missing_ok=True)
            try:
                with self._connect() as connection:
                    return work(connection)
            except sqlite3.DatabaseError as error:
                raise self._explained(error) from error

    @property
    def _files(self) -> list[Path]:
        return [self.path.with_name(self.path.name + ending) for ending in ("-wal", "-shm", "")]

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        with explained(self.path):
            if _is_cut(self.path) or any(path.is_symlink() for path in self._files):
                raise sqlite3.DatabaseError("the file ends early, or is a link")
        with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            migrate(connection, self.path)
            yield connection

    def _refresh(self, connection: sqlite3.Connection) -> None:
        """Bring the rows level with the folders."""
        known = dict(connection.execute("SELECT key, stamp FROM runs"))
        folders = {folder.name: folder for folder in run_folders(self.root)}
        rows = []
        for key, folder in folders.items():
            with contextlib.suppress(FileNotFoundError, InputError):  # removed by hand just now
                stamp = folder.stat().st_mtime_ns
                if known.get(key) != stamp:
                    fresh = time.time_ns() - stamp < _FRESH
                    rows.append(row_of(folder, 0 if fresh else stamp))
        gone = [(key,) for key in known if key not in folders]
        if rows or gone:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM runs WHERE key = ?", gone)
            connection.executemany("DELETE FROM runs WHERE key = ?", [(row["key"],) for row in rows])
            connection.executemany(
                "INSERT INTO runs VALUES (NULL, :key, :stamp, :created, :model, :prompt, :words, :total, :drawn, "
                ":finished, :problem)",
                [row for row in rows if row["drawn"] or not row["empty"]],
            )
            connection.execute("COMMIT")

    def _info(self, row: tuple[Any, ...]) -> RunInfo:
        if tuple(map(type, row)) != _TYPES:
            raise sqlite3.DatabaseError("a row has values of the wrong types")
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
            sqlite3.SQLITE_IOERR: "the disk cannot be read or written; free some space or check it",
            sqlite3.SQLITE_READONLY: "it is read-only; change that or choose another folder",
            sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the folder's permissions",
        }.get(_code(error), f"{error}; check the disk or choose another folder")
        return StoreError(f"{self.path}: {remedy}")


def _searched(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the condition that all words stand somewhere, and its values.

    Words of three letters and more are looked up in the full text; shorter ones have no entry there.

    >>> _searched(["heart", "a"])
    (' AND instr(words, ?) > 0 AND id IN (SELECT rowid FROM texts WHERE texts MATCH ?)', ['a', '"heart"'])
    """
    long = [word for word in words if len(word) >= 3 and "\0" not in word]
    short = [word for word in words if word not in long]
    phrases = " ".join('"' + word.replace('"', '""') + '"' for word in long)
    where = " AND instr(words, ?) > 0" * len(short)
    where += " AND id IN (SELECT rowid FROM texts WHERE texts MATCH ?)" if long else ""
    return where, [*short, *([phrases] if long else [])]


def _is_cut(path: Path) -> bool:
    """Whether an SQLite file is shorter than its header says; SQLite itself may read what is missing as zeros."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        head, size = file.read(100), path.stat().st_size
    page = int.from_bytes(head[16:18], "big")
    return len(head) < 100 or size < (page if page > 1 else 65536) * int.from_bytes(head[28:32], "big")


def _code(error: sqlite3.DatabaseError) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    if isinstance(error, sqlite3.ProgrammingError):
        return False
    short_read = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHORT_READ
    return short_read or _code(error) not in _NOT_DAMAGE
