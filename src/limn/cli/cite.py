"""``limn cite``: BibTeX of exactly what a run used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import limn
from limn.cli.console import say
from limn.cli.options import OUT
from limn.cli.runs import record_of
from limn.kernel.errors import InputError
from limn.kernel.options import weighed

KINDS = ("samplers", "guidance")


def cite(
    run: Annotated[
        str | None, typer.Argument(help="How a run's key begins, or a picture; all parts if left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The store.")] = OUT,
) -> None:
    """Print BibTeX of what a run used, or of every part there is."""
    from limn.kernel import papers

    cited = list(_all_papers() if run is None else _papers_of(run, record_of(run, out).get("request", {})))
    print(_own_entry())
    for paper in dict.fromkeys(filter(None, cited)):
        if entry := papers.entry(paper):
            print(f"\n{entry}")
        else:
            say(f"limn: {paper} is not in the bibliography")


def _papers_of(run: str, request: Any) -> Iterable[str]:
    from limn.kernel import registry

    guidance = request.get("guidance", []) if isinstance(request, Mapping) else None
    if not isinstance(guidance, list):
        raise InputError(f"{run}: its record says not what was asked; it was changed or damaged")
    sampler = [("samplers", request["sampler"])] if "sampler" in request else []
    for kind, part in [*sampler, *(("guidance", part) for part in guidance)]:
        try:
            built = registry.build(kind, part)
            yield built.paper
            yield from _adapter_papers(getattr(built, "adapters", ()))
        except InputError as error:
            say(f"limn: {error}")
    yield from _model_papers(str(request.get("model", "")))


def _adapter_papers(names: Iterable[str]) -> Iterable[str]:
    """Give the papers of the methods by which adapters came about, as far as their files say."""
    from limn.models import locating
    from limn.models.adapters import is_adapter
    from limn.personalise.learned import PAPERS, read

    for name in (weighed(name)[0] for name in names):
        if not (file := locating.adapter(name)).exists():
            say(f"limn: {name}: is not here, so the method it came from is not cited")
        elif is_adapter(name):
            yield PAPERS.get(str(read(file).record.get("method")), "")


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
