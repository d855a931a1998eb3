"""What draws in an audit, as the command line names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limn.audit.sources import Source

ORACLE = "oracle"
"""The model name that stands for people of even shares, whose habits are known exactly."""

USUAL = "emoji"


def source(model: str, guide: Sequence[str] | None, *, normalise: bool, **options: Any) -> Source:
    """Return what draws, named by model and what steers it."""
    from limn.audit.sources import FromGenerator, FromPeople
    from limn.text.homoglyphs import normalised

    if model == ORACLE:
        from limn.data.people import Population

        return FromPeople(population=Population())
    name = Path(model).name
    added = [text.partition(":")[0] for text in guide or ()] + (["normalise"] if normalise else [])
    if guide is not None and not guide:
        added.append("no guidance")
    rewrite = normalised if normalise else None
    return FromGenerator(model=model, name=" + ".join([name, *added]), guidance=guide, rewrite=rewrite, **options)


def sharing(second: Source, first: Source) -> Source:
    """Load a model that draws in two ways only once."""
    from limn.audit.sources import FromGenerator

    if isinstance(second, FromGenerator) and isinstance(first, FromGenerator) and second.model == first.model:
        return replace(second, model=first.generator)
    return second
