"""``limn synth check``: write the page of the check by hand, or take its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limn.cli import console
from limn.cli.drawing import shown


def check(
    folder: Annotated[Path, typer.Argument(help="A set's folder.", show_default=False)],
    answers: Annotated[list[Path] | None, typer.Option(help="A file that the page saved; may be repeated.")] = None,
    n: Annotated[int, typer.Option("-n", "--n", help="Pictures of each class on the page.", min=1)] = 50,
) -> None:
    """Write the page on which a person says what pictures show; with answers, estimate the label noise again."""
    from limn.audit.folder import Folder
    from limn.synth.datasheet import write_datasheet
    from limn.synth.hand_check import add_answers, write_page
    from limn.synth.making import open_set

    made = open_set(folder)
    for file in answers or ():
        add_answers(made, file)
    report = write_datasheet(made, command=Folder(folder).plan().command)
    for line in report.summary:
        console.say(f"limn: {line}")
    console.result(shown(folder / "report.html" if answers else write_page(made, n)))
