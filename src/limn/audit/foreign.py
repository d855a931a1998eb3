"""Audits of pictures that something else drew: copied into a folder like that of any other audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from limn.audit.folder import Folder
from limn.audit.labels import LabelledPictures
from limn.audit.probe import Probe
from limn.audit.readers.reader import Confusion, Reader, Reading, open_reader
from limn.audit.rows import ReaderFacts
from limn.audit.run import AuditProgress, gather
from limn.audit.study import Study
from limn.audit.table import Table
from limn.kernel import registry
from limn.kernel.errors import InputError


def audit_pictures(
    study: Study,
    listed: LabelledPictures,
    folder: Path,
    *,
    readers: Sequence[Reader | str] = (),
    command: str = "",
) -> Iterator[AuditProgress | Table]:
    """Copy the pictures into an audit's folder, and read what is missing; ``study.analyse`` makes the report.

    Where not every picture is labelled and a reader is given, its readings are what is counted, and the labelled
    pictures are what its confusion matrix is counted on.

    Args:
        study: The study.
        listed: The pictures.
        folder: Where everything is kept.
        readers: What reads beside the people.
        command: The command that reproduces it.

    Yields:
        Progress, and the table at last.

    Raises:
        InputError: If nobody reads what the study analyses, or people and reader use other words.
    """
    opened = [open_reader(reader) if isinstance(reader, str) else reader for reader in readers]
    study.require({**listed.values, **{name: values for one in opened for name, values in one.fields.items()}})
    record, home = registry.record(study), Folder(folder)
    if home.exists and home.plan().study.get("name") != record["name"]:
        raise InputError(f"{folder}: holds an audit of {home.plan().study.get('name')}; choose another folder")
    probe = Probe(asks=listed.asks, each=1)
    for event in gather(probe, listed.sources, opened, folder, study=record, command=command):
        if not isinstance(event, Table):
            yield event
    plan = home.plan()
    people = []
    for facts, readings in listed.readers():
        if readings and not home.readings(facts):
            home.add_readings(facts, readings.items())
        people += [facts] if readings else []
    machines = [_calibrated(facts, home.readings(facts), listed) for facts in plan.readers]
    whole = all(listed.labels.values())
    home.write(replace(plan, readers=(*people, *machines) if whole else (*machines, *people)))
    yield home.table()


def _calibrated(facts: ReaderFacts, readings: Mapping[str, Reading], listed: LabelledPictures) -> ReaderFacts:
    """Count how a reader errs on the pictures that people labelled; a tie is no truth."""
    counted = {}
    for field in facts.fields.keys() & listed.values.keys():
        values = facts.fields[field]
        for value in listed.values[field]:
            if values and value not in values:
                raise InputError(f"{field}: people say {value!r}, {facts.name} {', '.join(values)}; use its words")
        pairs = [(listed.majority(key, field), reading.values.get(field)) for key, reading in readings.items()]
        known = [(str(truth), read) for truth, read in pairs if truth is not None]
        if values and known:
            truths, read = zip(*known, strict=True)
            source = f"{len(known)} pictures that people labelled"
            counted[field] = Confusion.of(field, values, truths, read, source)
    return replace(facts, confusion={**facts.confusion, **counted})
