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

    A stopped one goes on with the same command.
    """
    from limn.retrieve.collection import build

    with console.Meter("pictures") as meter:
        for built in build(folder, out):
            meter.at(built.rows, built.rows)
    left = f"; {built.left_out:,} could not be used" if built.left_out else ""
    console.say(f"limn: {built.rows:,} pictures, {built.kept:,} of which it had{left}")
    console.result(out)
