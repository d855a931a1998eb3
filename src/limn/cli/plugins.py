"""``limn plugins``: the installed packages that add parts."""

from __future__ import annotations

import json as json_text
from typing import Annotated

import typer

from limn.cli import console
from limn.kernel import registry


def plugins(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the installed packages that add parts, with their versions and what they add."""
    rows = []
    for kind in registry.FOLDERS:
        for name, entry in registry.plugins(kind).items():
            state = "cannot be loaded" if registry.load(kind, name) is None else "usable"
            rows.append((registry.package(entry), kind, name, entry.value, state))
    columns = ["package", "kind", "name", "class", "state"]
    if json:
        print(json_text.dumps([dict(zip(columns, row, strict=True)) for row in sorted(rows)], indent=2))
    elif rows:
        console.table(columns, sorted(rows))
    else:
        console.say("limn: no installed package adds anything; docs/how-to/extend.md says how one does")
