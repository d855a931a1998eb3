"""``limn audit compare``: models and studies in one table."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console
from limn.cli.audit.options import Json

if TYPE_CHECKING:
    from limn.audit.compare import Entry


def compare_runs(
    runs: Annotated[list[Path], typer.Argument(help="Folders of audits.", show_default=False)],
    csv: Annotated[Path | None, typer.Option(help="Write figures and differences to this CSV file, too.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace that file.")] = False,
    json: Json = False,
) -> None:
    """Put models of several audits side by side, with every difference; prompts that two share are paired."""
    from limn.audit.compare import compare, matrix
    from limn.io.atomic import write_bytes
    from limn.io.targets import keep_foreign

    keep_foreign([csv] if csv else [], force=force)
    comparison = compare(runs)
    if csv is not None:
        write_bytes(csv, comparison.csv().encode())
    if json:
        print(json_text.dumps(comparison.record(), indent=2))
        return
    models = list(dict.fromkeys(entry.model for entry in comparison.figures))
    rows = [
        (study, name, *(_said(row.get(model)) for model in models))
        for study, name, row in matrix(comparison.figures)
    ]
    console.table(["study", "measure", *models], rows)
    print()
    console.table(
        ["study", "measure", "difference", "estimate", "p", "of"],
        [
            (row.study, row.measure, f"{row.model} - {row.less}", _said(row),
             "" if row.p is None else f"{row.p:.2g}", f"{row.prompts} {row.unit}{', paired' if row.paired else ''}")
            for row in comparison.differences
        ],
    )  # fmt: skip
    console.say(f"limn: 95 % intervals, each on its own; p: {comparison.correction}")


def _said(entry: Entry | None) -> str:
    if entry is None:
        return ""
    if entry.value is None:
        return f"not estimable: {entry.note}"
    ends = "" if entry.low is None or entry.high is None else f" ({entry.low:.3f} to {entry.high:.3f})"
    return f"{entry.value:.3f}{ends}"
