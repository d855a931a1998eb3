from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from limn.kernel.errors import StoreError
from limn.store import Store
from limn.store.migrations import STEPS, migrate


@contextlib.contextmanager
def database(path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def test_an_index_of_version_0_is_brought_up_and_filled(store, ask, paint):
    keys = {store.open(*ask(text)).key for text in ("heart", "star")}
    path = store.root / "index.sqlite"
    path.unlink(missing_ok=True)
    with database(path) as connection:
        connection.execute("CREATE TABLE runs (key TEXT, folder TEXT)")
        connection.execute("INSERT INTO runs VALUES ('gone', 'nowhere')")
        connection.execute("CREATE TABLE notes (text TEXT)")
        connection.execute("INSERT INTO notes VALUES ('mine')")
    assert {each.key for each in store.runs()} == keys
    with database(path) as connection:
        assert version(connection) == len(STEPS)
        assert connection.execute("SELECT text FROM notes").fetchall() == [("mine",)]


def test_an_index_of_a_newer_limn_is_left_alone(store, ask):
    store.open(*ask("heart"))
    store.runs()
    path = store.root / "index.sqlite"
    with database(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for use in (store.runs, store.repair, lambda: store.find("ab"), Store(store.root).runs):
        with pytest.raises(StoreError, match=r"index\.sqlite: schema 99 .* update limn"):
            use()
    assert path.read_bytes() == before


def test_each_step_is_taken_once_and_wholly(tmp_path):
    steps = [["CREATE TABLE a (x)", "INSERT INTO a VALUES (1)"], ["INSERT INTO a VALUES (2)"]]
    path = tmp_path / "db"
    with database(path) as connection:
        assert migrate(connection, path, steps[:1]) == 0
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, path, [*steps, ["CREATE TABLE b (x)", "not SQL"]])
        assert version(connection) == 2
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]
        assert migrate(connection, path, steps) == 2
        assert connection.execute("SELECT x FROM a").fetchall() == [(1,), (2,)]
