"""Make a labelled set: draw what is missing, let the judge read it, choose, write, and tell.

A set's folder is an audit's (:mod:`limn.audit.folder`), with the chosen pictures in ``data``, counts in ``set.json``
and the datasheet as its report; the same command goes on after a stop and draws nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limn.audit.folder import Folder
from limn.audit.probe import Ask, Probe
from limn.audit.run import AuditProgress, gather
from limn.audit.sources import Source
from limn.audit.table import Table
from limn.io.atomic import write_json
from limn.io.cluster import Cluster
from limn.io.targets import keep_foreign
from limn.kernel.errors import InputError, StoreError
from limn.store.record import read_json
from limn.synth.choosing import REASONS, Chosen, choose
from limn.synth.export import FORMS, Sample, export
from limn.synth.judge import Judge
from limn.synth.labelled import read_labelled
from limn.synth.near import Prints

SET = "set.json"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which pictures of those drawn become the set, and how it is written.

    Args:
        judged: Whether only pictures are kept that the judge reads as asked.
        twins: Whether near-duplicates are left out.
        against: Folders of test pictures, whose near-duplicates are left out.
        splits: Share of each split.
        form: One of :data:`limn.synth.export.FORMS`.
    """

    judged: bool = False
    twins: bool = True
    against: tuple[Path, ...] = ()
    splits: Mapping[str, float] = field(default_factory=lambda: {"train": 1.0})
    form: str = "folder"


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """A set that was made.

    Args:
        folder: Where.
        table: What was drawn and read.
        chosen: What became of each picture.
        record: What is in ``set.json``.
    """

    folder: Path
    table: Table
    chosen: Chosen
    record: Mapping[str, Any]


def make(
    asks: Sequence[Ask],
    source: Source,
    folder: Path,
    *,
    judge: Judge | None = None,
    choice: Choice | None = None,
    about: Mapping[str, Any] | None = None,
    command: str = "",
    force: bool = False,
    engine: Cluster | None = None,
) -> Iterator[AuditProgress | Made]:
    """Make a set.

    Args:
        asks: One for each picture, its class as group.
        source: What draws.
        folder: Where everything is kept.
        judge: Who says what a picture shows.
        choice: What is kept, and how it is written.
        about: How the asks came about, for the record.
        command: The command that makes it again.
        force: Whether foreign files may be replaced.
        engine: What shares out the drawing; this process if None.

    Yields:
        Progress, and the set at last; leaving the loop early loses nothing that was drawn or read.

    Raises:
        InputError: Something cannot be used; before anything is drawn.
    """
    choice, home = choice or Choice(), Folder(folder)
    if choice.judged and judge is None:
        raise InputError("filter: needs somebody who reads the pictures; name one with --judge")
    if choice.form not in FORMS:
        raise InputError(f"format: {choice.form!r} is unknown; choose of {', '.join(FORMS)}")
    if not home.exists:
        keep_foreign([folder / "data", folder / SET], force=force)
    elif "set" not in home.plan().study:
        raise InputError(f"{folder}: holds an audit, no set; choose another folder")
    labels = tuple(dict.fromkeys(ask.group for ask in asks))
    tests = [picture for path in choice.against for picture in read_labelled(path, labels).pictures]
    reading = {"name": judge.reader.name, "field": judge.field, "values": dict(judge.values)} if judge else {}
    study = {"set": {**(about or {}), "judge": reading, "labels": list(labels)}}
    probe, readers = Probe(asks=tuple(asks), each=1), [judge.reader] if judge else []
    table: Table | None = None
    how: dict[str, Any] = {"study": study, "command": command, "force": force, "engine": engine}
    for event in gather(probe, [source], readers, folder, **how):
        if isinstance(event, Table):
            table = event
        else:
            yield event
    assert table is not None
    judged = (judge.reader.name, judge.field, judge.values) if judge and choice.judged else None
    against = Prints(tests) if tests else None
    chosen = choose(table, judged=judged, twins=choice.twins, against=against, splits=choice.splits)
    yield _written(folder, table, chosen, study["set"], choice.form)


def _written(folder: Path, table: Table, chosen: Chosen, about: Mapping[str, Any], form: str) -> Made:
    """Write the chosen pictures, and last the counts, by which a set is known to be whole."""
    labels, judge = list(about["labels"]), about["judge"]
    export(samples(folder, table, chosen, judge), labels, folder / "data", form)
    reasons = {reason: sum(row.get(reason, 0) for row in chosen.counts.values()) for reason in REASONS}
    splits = {
        split: sum(value == split for value in chosen.splits.values()) for split in set(chosen.splits.values())
    }
    record = {
        **about,
        "asked": len(table.rows),
        "kept": chosen.kept,
        "left_out": reasons,
        "splits": splits,
        "classes": {label: dict(row) for label, row in chosen.counts.items()},
        "format": form,
        "pictures": {**chosen.dropped, **chosen.splits},
    }
    write_json(folder / SET, record)
    return Made(folder=folder, table=table, chosen=chosen, record=record)


def samples(folder: Path, table: Table, chosen: Chosen, judge: Mapping[str, Any]) -> list[Sample]:
    """Return the chosen pictures with what is known of each."""
    rows = [row for row in table.once().rows if row.key in chosen.splits]
    made = []
    for row in rows:
        reading = row.readings.get(judge.get("name", ""))
        facts: dict[str, Any] = {"seed": row.seed, "model": row.source, "key": row.key}
        facts |= {name: value for name, value in row.slots.items() if name != "class"}
        if reading is not None:
            value, sure = reading.values.get(judge["field"]), reading.confidence.get(judge["field"])
            facts |= {"read": "" if value is None else str(value), "score": None if sure is None else float(sure)}
        split = chosen.splits[row.key]
        made.append(Sample(file=folder / row.file, text=row.prompt, label=row.group, split=split, facts=facts))
    return made


def open_set(folder: Path) -> Made:
    """Open a set that was made.

    Raises:
        InputError: There is none, or it was not made to its end.
        StoreError: It is damaged.
    """
    if not (folder / SET).is_file():
        raise InputError(f"{folder}: no whole set is here; make it with limn synth make, or go on making it")
    record = read_json(folder / SET)
    try:
        became, counts = record["pictures"], record["classes"]
        dropped = {key: value for key, value in became.items() if value in REASONS}
        splits = {key: value for key, value in became.items() if value not in REASONS}
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{folder / SET}: is damaged ({error}); make the set again") from None
    chosen = Chosen(dropped=dropped, splits=splits, counts=counts)
    return Made(folder=folder, table=Folder(folder).table(), chosen=chosen, record=record)
