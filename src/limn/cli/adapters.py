"""``limn adapters``: what a learned word, subject or LoRA is, and how it fits a model."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import console

if TYPE_CHECKING:
    from limn.personalise.learned import Learned

app = typer.Typer(
    name="adapters",
    help="Show what was learned beside a model: words, subjects, LoRA files.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.callback()
def verbs() -> None:
    """Show what was learned beside a model: words, subjects, LoRA files."""


@app.command("show")
def show(
    file: Annotated[
        str,
        typer.Argument(
            help="A safetensors file, a folder that peft wrote, or OWNER/NAME that was pulled.", show_default=False
        ),
    ],
    model: Annotated[
        str | None, typer.Option(help="Say how it fits this model: a name, a folder or a file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show what a file holds: words, changed layers, ranks, and the record of how it came about."""
    from limn.io.files import sha256_of
    from limn.models import locating
    from limn.models.adapters import check_adapter
    from limn.personalise.learned import file_of, read

    check_adapter(file)
    path, pulled = locating.adapter(file), locating.find(file)
    learned = read(path)
    rows = {"file": file, "sha256": sha256_of(file_of(path)), **_content(learned)}
    if pulled is not None:
        rows |= {"pulled as": locating.pinned(file), "licence": pulled.licence}
    if model is not None:
        rows |= _fits(learned, model)
    rows["record"] = dict(learned.record)
    if json:
        print(json_text.dumps(rows, indent=2))
        return
    record = rows.pop("record")
    shown = {**rows, **{f"record: {name}": value for name, value in record.items()}}
    console.table(["what", "it is"], [[name, _said(value)] for name, value in shown.items()])


def _content(learned: Learned) -> dict[str, Any]:
    """Return what a learned thing consists of, JSON-ready."""
    changes = [change for own in learned.changes.values() for change in own.values()]
    ranks = [len(change.down) for change in changes if hasattr(change, "down")]
    return {
        "words": {word: [list(vectors.shape) for vectors in several] for word, several in learned.words.items()},
        "layers": {name or "any network": len(own) for name, own in learned.changes.items()},
        "ranks": sorted(set(ranks)),
        "whole matrices": len(changes) - len(ranks),
        "not known": list(learned.unread),
    }


def _fits(learned: Learned, model: str) -> dict[str, Any]:
    """Return how it fits a model, JSON-ready."""
    from limn import models
    from limn.models.adapters import match

    fits = match(models.load(model), learned)
    missing, unexpected = list(fits.missing), list(fits.unexpected)
    return {"model": model, "matched": fits.matched, "missing": missing, "unexpected": unexpected}


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(inner)}" for name, inner in value.items()) or "-"
    if isinstance(value, list):
        some = " ".join(map(_said, value[:5])) + (f" and {len(value) - 5} more" if len(value) > 5 else "")
        return some or "-"
    return str(value)
