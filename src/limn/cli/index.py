"""``limn index``: a folder of captioned pictures as a collection to retrieve from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limn.cli import console

Folder = Annotated[Path, typer.Argument(help="Pictures with metadata.jsonl, or a text file beside each.")]
Out = Annotated[Path, typer.Option(help="Where the collection goes; one that is there gets what it does not have.")]


def index(folder: Folder, out: Out) -> None:
    """Make a collection of your own captioned pictures, for --retrieve.

    A stopped one goes on with the same command; further folders may be added.
    """
    from limn.data.report import Report
    from limn.retrieve.collection import build

    report = Report()
    with console.Meter("pictures") as meter:
        for built in build(folder, out, report=report):
            meter.at(built.read, built.total)
    console.say(f"limn: {built.rows:,} pictures, {built.kept:,} of which it had")
    if report.bad:
        console.say(f"limn: {report}")
    console.result(out)
