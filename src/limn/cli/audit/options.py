"""Options that the verbs of ``limn audit`` share, and the command as it was written."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from limn.kernel.errors import InputError

WORDS = "limn.audit.words"
"""Where the context keeps what was written behind ``limn audit`` or another group."""

Folder = Annotated[Path, typer.Argument(help="An audit's folder.", show_default=False)]
Readers = Annotated[
    list[str] | None,
    typer.Option("--reader", help="Who reads the pictures; may be repeated. The study's own unless given."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
GuideOf = Annotated[
    list[str] | None, typer.Option("--guide", help="Guidance of --model (limn guide list); may be repeated.")
]
Against = Annotated[
    str | None,
    typer.Option(help="A second model; the same one unless given, with other guidance, adapters or reading."),
]
Adapters = Annotated[
    list[str] | None, typer.Option("--adapter", help="A learned word, subject or LoRA of --model; may be repeated.")
]
AdaptersAgainst = Annotated[
    list[str] | None, typer.Option("--against-adapter", help="One of the second model; may be repeated.")
]
GuideAgainst = Annotated[list[str] | None, typer.Option(help="Guidance of the second model; may be repeated.")]


def written(context: typer.Context, group: str = "audit") -> str:
    """Return the command as it was written behind ``limn GROUP``."""
    return shlex.join(["limn", group, *context.meta[WORDS]])


def unused(given: Mapping[str, object], why: str) -> None:
    """Refuse options that would change nothing."""
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{'model' if name == 'encoder' else name}: {why}; leave it out")
