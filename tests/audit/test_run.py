"""Audits that are stopped, killed, enlarged, read again: the rows are those of an audit that ran through."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import audited
import toys
from audited import Slow, population, probe
from limn import studio
from limn.audit.folder import Folder
from limn.audit.probe import Ask, Probe
from limn.audit.readers.noisy import Noisy
from limn.audit.readers.people import People
from limn.audit.run import AuditProgress, gather, in_memory, read
from limn.audit.sources import FromGenerator, FromOracle, FromPeople
from limn.audit.table import Account, Table, join
from limn.kernel.errors import InputError, StoreError


def whole(folder: Path, **options: object) -> Table:
    source = Slow(population=population(), failing=0.05)
    *_, table = gather(options.pop("probe", probe()), [source], options.pop("readers", ["people"]), folder)  # type: ignore[call-overload]
    assert isinstance(table, Table)
    return table


def lines(folder: Path) -> list[dict[str, object]]:
    table = Folder(folder).table()
    return table.sql("SELECT * FROM rows ORDER BY ALL") + table.sql("SELECT * FROM readings ORDER BY ALL")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("after", [1, 4, 11])
@pytest.mark.slow
def test_killed_audits_go_on_and_end_with_the_same_rows(tmp_path: Path, after: int) -> None:
    whole(tmp_path / "through")
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, audited.__file__, str(tmp_path / "killed")],
        stdout=subprocess.PIPE,
        env=path,
        text=True,
    )
    assert child.stdout is not None
    for _ in range(after):
        assert "drawing" in child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    before = len(list((tmp_path / "killed").rglob("*.png")))
    assert before < 110
    table = whole(tmp_path / "killed")
    assert lines(tmp_path / "killed") == lines(tmp_path / "through")
    assert not list((tmp_path / "killed").rglob("*.tmp"))
    assert len(table) == 120


def test_leaving_the_loop_loses_nothing_and_nothing_is_drawn_twice(tmp_path: Path) -> None:
    events = gather(probe(), [Slow(population=population())], ["people"], tmp_path)
    for event in events:
        if isinstance(event, AuditProgress) and event.done >= 30:
            break
    events.close()  # type: ignore[attr-defined]
    found = list(gather(probe(), [Slow(population=population())], ["people"], tmp_path))
    first = found[0]
    assert isinstance(first, AuditProgress)
    assert first.kept >= 30
    again = list(gather(probe(), [Slow(population=population())], ["people"], tmp_path))
    assert [each.kept for each in again if isinstance(each, AuditProgress)] == [120, 120]


def test_more_pictures_keep_those_that_are_there(tmp_path: Path) -> None:
    few = whole(tmp_path, probe=probe(5))
    many = whole(tmp_path, probe=probe(20))
    assert {row.key for row in few.rows} < {row.key for row in many.rows}
    assert lines(tmp_path) == (whole(tmp_path / "other"), lines(tmp_path / "other"))[1]


def test_a_damaged_picture_is_drawn_again(tmp_path: Path) -> None:
    table = whole(tmp_path)
    row = next(row for row in table.rows if row.drawn)
    path = tmp_path / row.file
    sound = path.read_bytes()
    path.write_bytes(sound[:-40])
    assert not next(each for each in Folder(tmp_path).table().rows if each.key == row.key).drawn
    whole(tmp_path)
    assert path.read_bytes() == sound


def test_what_was_not_drawn_is_a_row_and_never_a_reading(tmp_path: Path) -> None:
    table = whole(tmp_path)
    failed = [row for row in table.rows if not row.drawn]
    assert failed
    assert {row.flaw for row in failed} == {"the oracle failed to draw"}
    account = table.account("gender")
    assert account == Account(asked=120, drawn=120 - len(failed), readable=120 - len(failed))
    assert table.values("gender").count(None) == len(failed)
    assert [row.flaw for row in Folder(tmp_path).table().rows] == [row.flaw for row in table.rows]


def test_memory_and_folder_agree(tmp_path: Path) -> None:
    kept, memory = whole(tmp_path), in_memory(probe(), [Slow(population=population(), failing=0.05)], ["people"])
    plain = [replace(row, file="") for row in kept.rows]
    assert plain == list(memory.rows)
    assert all(np.array_equal(a, b) for a, b in zip(kept.pictures(), memory.pictures(), strict=True))
    assert kept.counts("gender") == memory.counts("gender")


def test_another_reader_reads_without_drawing(tmp_path: Path) -> None:
    whole(tmp_path)
    rates = np.array([[0.8, 0.1, 0.0, 0.1], [0.1, 0.9, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    *_, table = read(tmp_path, [Noisy(reader=People(), field="gender", rates=tuple(map(tuple, rates.tolist())))])
    assert isinstance(table, Table)
    assert [each.name for each in table.readers] == ["people", "noisy"]
    assert table.account("gender", by="noisy").readable < table.account("gender", by="people").readable
    again = Folder(tmp_path).table()
    assert again.rows == table.rows
    confusion = again.reader("gender", by="noisy").confusion["gender"]
    assert confusion.counts.sum(axis=1).tolist() == [200, 200, 200]
    found = again.sql(
        """SELECT reader, slots['profession'] AS profession, count(*) AS n FROM rows JOIN readings USING (key)
           WHERE field = 'gender' AND value = 'woman' GROUP BY ALL"""
    )
    counted = {(each["reader"], each["profession"]): each["n"] for each in found}
    for reader in ("people", "noisy"):
        for group in again.groups:
            assert counted.get((reader, group), 0) == again.of(group=group).counts("gender", by=reader)["woman"]


def test_rows_say_what_drew_them(tmp_path: Path) -> None:
    table = whole(tmp_path)
    row = table.sql("SELECT * FROM rows LIMIT 1")[0]
    assert json.loads(str(row["settings"]))["failing"] == 0.05
    assert row["slots"] == {"profession": "doctor"}
    said = table.sql("SELECT DISTINCT reader, version, threshold FROM readings")
    assert said == [{"reader": "people", "version": "1", "threshold": 0.25}]


def test_every_picture_of_a_model_is_drawn_again_to_the_last_bit(tmp_path: Path) -> None:
    source = FromGenerator(model=toys.load("toy"), together=5)
    *_, table = gather(probe(2), [source], [], tmp_path)
    assert isinstance(table, Table)
    for row in (table.rows[0], table.rows[7], table.rows[11]):
        *_, found = studio.replay(tmp_path / row.file, toys.load)
        assert isinstance(found, studio.Replay)
        assert (found.same, found.causes) == (True, ())
        assert found.picture.item.seed == row.seed


def test_two_models_and_pairs() -> None:
    asks = (Ask(prompt="plain", group="plain", pair="a"), Ask(prompt="changed", group="changed", pair="a"))
    sources = [
        FromPeople(population=population(0.2), name="one"),
        FromPeople(population=population(0.8), name="two"),
    ]
    table = in_memory(Probe(asks=asks, each=30, paired=True), sources, ["people"])
    assert table.models == ["one", "two"]
    pairs = table.of(model="one").paired("plain", "changed")
    assert len(pairs) == 30
    assert all(a.seed == b.seed and a.group == "plain" and b.group == "changed" for a, b in pairs)
    assert len(table.paired("one", "two", by="source")) == 60
    assert table.of(model="two").shares("gender")["woman"] > 0.6


def test_two_audits_become_one_table(tmp_path: Path) -> None:
    first, second = whole(tmp_path / "a"), whole(tmp_path / "b")
    both = join(first, second, name="b")
    assert both.models == ["oracle", "oracle (b)"]
    assert len(both) == 240
    assert both.of(model="oracle").counts("gender") == both.of(model="oracle (b)").counts("gender")
    assert len(both.pictures()) == 2 * len(first.pictures())
    with pytest.raises(InputError, match="other prompts"):
        join(first, in_memory(Probe(asks=()), [], []), name="c")


def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path) -> None:
    source = FromPeople(population=population())
    with pytest.raises(InputError, match="given twice"):
        list(gather(probe(), [source, source], [], tmp_path))
    with pytest.raises(InputError, match="given twice"):
        in_memory(probe(), [source], ["people", "people"])
    with pytest.raises(InputError, match="no audit is here"):
        list(read(tmp_path / "nowhere", ["people"]))
    wrong = FromOracle(picture=lambda ask, seed: np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match="uint8"):
        in_memory(probe(1), [wrong], [])
    table = in_memory(probe(1), [source], ["people"])
    with pytest.raises(InputError, match="no reader"):
        table.values("hat")
    with pytest.raises(InputError, match="people"):
        table.values("gender", by="peple")
    (tmp_path / "audit.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        Folder(tmp_path).plan()


@pytest.mark.parametrize("name", ["audit.json", "rows.parquet", "report.html", "report.json"])
def test_files_of_others_are_replaced_by_force_only(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir() if name == "audit.json" else (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"{name}: exists and is not limn's .* --force"):
        next(gather(probe(), [FromPeople(population=population())], [], tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [name]
