"""``limn cite``: BibTeX of exactly what a run used."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

import limn
from limn.cli.console import say
from limn.cli.options import OUT
from limn.cli.runs import record_of
from limn.kernel.errors import InputError

__all__ = ["bibliography", "cite"]

KINDS = ("samplers", "guidance")


def cite(
    run: Annotated[
        str | None, typer.Argument(help="How a run's key begins, or a picture; all parts if left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The store.")] = OUT,
) -> None:
    """Print BibTeX of what a run used, or of every part there is."""
    keys = _all_papers() if run is None else _papers_of(record_of(run, out).get("request") or {})
    known = bibliography()
    print(_own_entry())
    for key in dict.fromkeys(keys):
        if key.lstrip().startswith("@"):
            print(f"\n{key.strip()}")
        elif key in known:
            print(f"\n{known[key]}")
        else:
            say(f"limn: {key} is not in the bibliography")


def bibliography() -> dict[str, str]:
    """Return the shipped BibTeX entries by their keys."""
    text = resources.files("limn").joinpath("references.bib").read_text("utf-8")
    entries = re.split(r"(?m)^(?=@)", text)
    return {key[1]: entry.strip() for entry in entries if (key := re.match(r"@\w+\{([^,\s]+),", entry))}


def _papers_of(request: Mapping[str, Any]) -> Iterable[str]:
    from limn.kernel import registry

    parts = [
        ("samplers", request.get("sampler") or {}),
        *(("guidance", part) for part in request.get("guidance") or ()),
    ]
    for kind, part in parts:
        with contextlib.suppress(InputError):
            yield registry.find(kind, str(part.get("name"))).paper
    yield from _model_papers(str(request.get("model", "")))


def _all_papers() -> Iterable[str]:
    from limn import models
    from limn.kernel import registry

    for kind in KINDS:
        for name in registry.names(kind):
            yield registry.find(kind, name).paper
    for name in models.names():
        yield from _model_papers(name)


def _model_papers(name: str) -> Iterable[str]:
    from limn import models

    if name in models.names():
        yield from models.describe(name).get("papers", ())


def _own_entry() -> str:
    return "\n".join(
        (
            "@software{limn,",
            "  title   = {limn: words into pictures},",
            "  author  = {{The limn authors}},",
            f"  version = {{{limn.__version__}}},",
            "  license = {Apache-2.0}",
            "}",
        )
    )
