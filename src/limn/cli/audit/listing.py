"""``limn audit list``: the studies and the readers."""

from __future__ import annotations

import json as json_text

from limn.cli import console
from limn.cli.audit.options import Json


def list_studies(json: Json = False) -> None:
    """List the studies, with what each asks, and the readers."""
    from limn.audit.study import KIND, names
    from limn.kernel import papers
    from limn.kernel.description import describe
    from limn.kernel.registry import names as parts

    studies = [describe(KIND, name) for name in names()]
    rows = [
        (row.name, row.summary, ", ".join(option.name for option in row.options), papers.key(row.paper))
        for row in studies
    ]
    if json:
        keys = ("name", "summary", "options", "paper")
        listed = [dict(zip(keys, row, strict=True)) for row in rows]
        print(json_text.dumps({"studies": listed, "readers": parts("readers")}, indent=2))
        return
    console.table(["study", "what it asks", "options", "paper"], rows)
    console.say(f"limn: readers: {', '.join(parts('readers'))}")
