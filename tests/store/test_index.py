from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3

import pytest

from limn.kernel.errors import StoreError
from limn.store import Store


@pytest.fixture
def full(store, ask, paint):
    """A store with runs in it, some with pictures."""
    for place in range(40):
        run = store.open(*ask(f"heart {place} " + "words " * 40, n=2))
        if place % 4 == 0:
            run.save(0, paint(place, 4), {})
    return store


def shown(store: Store) -> set[tuple[str, str, int]]:
    return {(each.key, each.prompt, each.drawn) for each in store.runs()}


def test_a_cut_index_lists_everything(full):
    path, truth = full.root / "index.sqlite", shown(full)
    whole = path.read_bytes()
    assert len(truth) == 40
    assert len(whole) > 20_000
    generator = random.Random(1)
    for length in [0, 1, 15, 16, 50, 100, 101, 4096, 8192, *(generator.randrange(len(whole)) for _ in range(12))]:
        path.write_bytes(whole[:length])
        assert shown(full) == truth
        assert path.stat().st_size > 20_000


def test_an_index_of_something_else_lists_everything(full):
    path, truth = full.root / "index.sqlite", shown(full)
    for content in (b"<html>" * 999, bytes(9999), b"SQLite format 3\0" + b"\xff" * 9999):
        path.write_bytes(content)
        assert shown(full) == truth
    for statement in (
        "DROP TABLE runs",
        "ALTER TABLE runs RENAME COLUMN words TO text",
        "UPDATE runs SET drawn = 'x'",
    ):
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)
        assert shown(full) == truth


def test_flipped_bits_never_stop_the_list_and_repair_mends_them(full):
    path, truth = full.root / "index.sqlite", shown(full)
    whole = path.read_bytes()
    generator = random.Random(2)
    for _ in range(30):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[generator.randrange(len(whole))] ^= 1 << generator.randrange(8)
        damaged[60:64] = whole[60:64]  # the schema's number; a larger one is rightly refused
        path.write_bytes(damaged)
        full.runs()
    path.write_bytes(whole[:100] + bytes(len(whole) - 100))
    full.repair()
    assert shown(full) == truth


def test_a_lost_write_ahead_log_loses_nothing(full, ask, tmp_path):
    path, copy = full.root / "index.sqlite", tmp_path / "copy"
    full.runs()
    with contextlib.closing(sqlite3.connect(path)) as keeper:  # while it is open the log stays
        keeper.execute("SELECT count(*) FROM runs").fetchone()
        for place in range(5):
            full.open(*ask(f"star {place}"))
        assert len(full.runs()) == 45
        assert path.with_name("index.sqlite-wal").stat().st_size > 0
        shutil.copytree(full.root, copy)
    for ending in ("-wal", "-shm"):
        (copy / f"index.sqlite{ending}").unlink()
    assert shown(Store(copy)) == shown(full)


def test_foreign_log_files_lose_nothing(full):
    path, truth = full.root / "index.sqlite", shown(full)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).write_bytes(random.Random(3).randbytes(5000))
    assert shown(full) == truth
    assert full.repair().damages == ()
    assert shown(full) == truth


def test_a_folder_in_place_of_the_index_is_an_error(store):
    (store.root / "index.sqlite").mkdir()
    with pytest.raises(StoreError, match=r"index\.sqlite"):
        store.runs()


def test_stray_files_among_the_runs_are_not_listed(store, ask):
    key = store.open(*ask("heart")).key
    runs = store.root / "runs"
    (runs / "zz").mkdir()
    (runs / "notes.txt").write_text("mine")
    (runs / "ab").mkdir(exist_ok=True)
    (runs / "ab" / "short").mkdir()
    (runs / "ab" / ("ab" + "0" * 62)).mkdir()
    (runs / "ab" / ("ac" + "0" * 62)).mkdir()
    (runs / "ab" / ("ab" + "1" * 62)).write_text("mine")
    assert [each.key for each in store.runs()] == [key]
    assert store.repair().damages == ()
    assert (runs / "notes.txt").exists()


def test_records_of_odd_kinds_are_listed(store):
    from limn.store.record import key_of

    odd = [
        {},
        {"prompts": "text", "n": 10**30},
        {"prompts": ["plain", 3, {"text": 4}, {"text": "half \ud800"}], "n": 10**30, "model": None},
        {"prompts": [{"text": "x"}], "n": -5, "model": "\ud800"},
    ]
    for request in odd:
        store.open(key_of(request), request)
    assert {each.prompt for each in store.runs()} == {"", "plain", "x"}
    assert max(each.total for each in store.runs()) == 1_000_000


def test_the_full_text_follows_the_folders_and_reads_no_operators(store, ask):
    runs = [store.open(*ask(text)) for text in ('a "red" heart', "red AND blue", "green*", "heart OR star")]

    def found(search: str) -> set[str]:
        return {row.prompt for row in store.runs(search=search)}

    assert found('"red"') == {'a "red" heart'}
    assert found("AND") == found("and red") == {"red AND blue"}
    assert found("een*") == {"green*"}
    assert found("heart NOT star") == found("gre*n") == found("a\0b") == set()
    assert found("hea") == {'a "red" heart', "heart OR star"}
    shutil.rmtree(runs[0].folder)
    assert found("hea") == {"heart OR star"}
    with contextlib.closing(sqlite3.connect(store.root / "index.sqlite")) as connection:
        connection.execute(
            "INSERT INTO texts (texts, rank) VALUES ('integrity-check', 1)"
        )  # fails where they differ
        (plan,) = connection.execute(
            "EXPLAIN QUERY PLAN SELECT key FROM runs WHERE id IN (SELECT rowid FROM texts WHERE texts MATCH 'x')"
        ).fetchall()[-1:]
        assert "VIRTUAL TABLE" in plan[-1]
