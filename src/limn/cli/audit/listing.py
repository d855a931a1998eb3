"""``limn audit list``: the studies with their options, and the readers; ``limn audit STUDY --help``."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from typing import TYPE_CHECKING

from limn.cli import console
from limn.cli.audit.options import Json

if TYPE_CHECKING:
    from limn.kernel.description import Option


def list_studies(json: Json = False) -> None:
    """List the studies, with what each asks, its options with their values and defaults, and the readers."""
    from limn.audit.study import KIND, names
    from limn.kernel import papers
    from limn.kernel.description import describe
    from limn.kernel.registry import names as parts

    studies = [describe(KIND, name) for name in names()]
    if json:
        listed = [
            {"name": row.name, "summary": row.summary, "options": [asdict(option) for option in row.options],
             "paper": papers.key(row.paper)}
            for row in studies
        ]  # fmt: skip
        print(json_text.dumps({"studies": listed, "readers": parts("readers")}, indent=2))
        return
    rows = [(row.name, row.summary, ", ".join(map(_written, row.options)), papers.key(row.paper)) for row in studies]
    console.table(["study", "what it asks", "options and defaults", "paper"], rows)
    console.say(f"limn: readers: {', '.join(parts('readers'))}")
    console.say("limn: what an option takes: limn audit STUDY --help; of a reader: limn reader show NAME")


def _written(option: Option) -> str:
    """Return an option with its default, and its other values where they are few."""
    choices = f" ({option.kind})" if "," in option.kind else ""
    return f"{option.name}={option.default}{choices}"


def explain(study: str) -> None:
    """Say what a study asks and which options it takes, with their values and defaults."""
    from limn.audit.study import KIND
    from limn.cli.parts import show
    from limn.kernel.description import describe

    show(describe(KIND, study))
    console.result("")
    console.result(f"Use them as limn audit {study}:option=value,option=value; the options of every study follow.")
