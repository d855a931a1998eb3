"""An audit followed to its end, and its report; made again by ``limn audit read`` and ``limn audit report``."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console, interrupts
from limn.cli.audit.options import Folder, Json, Readers, written
from limn.cli.drawing import shown
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.audit.run import AuditProgress
    from limn.audit.study import Study
    from limn.audit.table import Table


def read_again(folder: Folder, reader: Readers = None, json: Json = False) -> None:
    """Let another reader read the pictures of an audit, and write its report again; nothing is drawn."""
    from limn.audit.run import read

    if not reader:
        raise InputError("reader: none given; name one with --reader")
    table = watched(read(folder, reader), folder)
    study, command = made(folder)
    write_report(folder, study, table, json=json, command=command)


def report_again(
    context: typer.Context,
    folder: Folder,
    against: Annotated[Path | None, typer.Option(help="Another audit of the same study, to compare with.")] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="READER=SCORE: decide again from this score on; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Estimate again from what was drawn and read, and write the report; nothing is drawn or read."""
    from limn.audit.folder import Folder as Home
    from limn.audit.table import join
    from limn.kernel.options import convert

    table = Home(folder).table()
    study, command = made(folder)
    if against is not None:
        table = join(table, Home(against).table(), name=against.name)
        command = written(context)
    for text in threshold or ():
        reader, _, score = text.rpartition("=")
        table = table.at(reader, convert(f"threshold {reader}", score, float))
        command = written(context)
    write_report(folder, study, table, json=json, command=command)


def watched(events: Iterator[AuditProgress | Table], folder: Path) -> Table:
    """Follow an audit with a meter, and return its table."""
    from limn.audit.table import Table

    interrupts.on_stop(
        lambda: f"what was drawn and read is kept in {folder}; the same command goes on with the rest"
    )
    with console.Meter("pictures") as meter:
        stage = None
        for event in events:
            if isinstance(event, Table):
                return event
            if (event.stage, event.name) != stage:
                stage = (event.stage, event.name)
                meter.restart()
                meter.kept = event.kept
            meter.at(event.done, event.total, f"{event.stage} ({event.name})")
    raise AssertionError("an audit ends with its table")


def write_report(folder: Path, study: Study, table: Table, *, json: bool, command: str) -> None:
    """Estimate, write the report, and print where it is."""
    from limn.audit.report.agreement import agreement
    from limn.audit.report.refusals import with_refusals
    from limn.audit.report.write import record, write
    from limn.audit.thresholds import thresholds
    from limn.kernel import registry

    report = study.analyse(table)
    sections = (*report.sections, *agreement(table), *thresholds(study, table))
    report = with_refusals(replace(report, sections=sections), table)
    options = registry.record(study)
    page = write(folder, report, table, command=command, study=options)
    for finding in (*report.summary, *report.findings):
        console.say(f"limn: {finding}")
    if json:
        print(json_text.dumps(record(report, table, command=command, study=options), indent=2))
    else:
        console.result(shown(page))


def made(folder: Path) -> tuple[Study, str]:
    """Return the study of an audit that was made, and its command."""
    from limn.audit.folder import Folder as Home
    from limn.audit.study import build

    plan = Home(folder).plan()
    if not plan.study:
        raise InputError(f"{folder}: does not say which study it is; it was not made by limn audit STUDY")
    return build(plan.study), plan.command
