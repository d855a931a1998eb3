"""What draws in an audit, as the command line names it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limn.cli import console
from limn.cli.audit.options import unused
from limn.cli.drawing import too_long
from limn.kernel.errors import InputError
from limn.kernel.options import weighed

if TYPE_CHECKING:
    from limn.audit.probe import Probe
    from limn.audit.sources import Source

ORACLE = "oracle"
"""The model name that stands for people of even shares, whose habits are known exactly."""

USUAL = "emoji"


Asked = tuple[str, Sequence[str] | None, Sequence[str] | None, bool]
"""A model, its guidance, its adapters, and whether look-alike letters become Latin before it reads them."""


def drawn_by(first: Asked, second: Asked, *, alone: bool, steps: int | None, **options: Any) -> list[Source]:
    """Return what draws: the model in question, and unless it is ``alone`` what it is compared with.

    Raises:
        InputError: If an option would change nothing, or both are the same.
    """
    sources = [_source(*first, steps=steps, **options)]
    if not alone:
        sources.append(_sharing(_source(*second, steps=steps, **options), sources[0]))
    if all(source.alone for source in sources):
        unused({"steps": steps}, "no model here takes steps")
    if len({source.name for source in sources}) < len(sources):
        raise InputError("against: is the same model with the same guidance and adapters; change one of them")
    return sources


def _source(
    model: str, guide: Sequence[str] | None, adapters: Sequence[str] | None, normalise: bool, **options: Any
) -> Source:
    """Return what draws, named by model and what steers and changes it."""
    from limn.audit.hosted import PREFIX, read_model
    from limn.audit.sources import FromGenerator, FromPeople
    from limn.text.homoglyphs import normalised

    if model == ORACLE:
        unused({"guide": guide, "adapter": adapters}, "the oracle is no model")
        from limn.data.people import Population

        return FromPeople(population=Population())
    rewrite = normalised if normalise else None
    if model.startswith(PREFIX):
        unused(
            {"guide": guide, "adapter": adapters},
            f"{model} takes none; write what it takes behind its name, as {PREFIX}M,size=512x512",
        )
        return replace(read_model(model, os.environ, batch=options["together"]), rewrite=rewrite)
    name = Path(model).name
    files = [(Path(file).stem, weight) for file, weight in map(weighed, adapters or ())]
    added = [file if weight == 1 else f"{file}:{weight:g}" for file, weight in files]
    added += [text.partition(":")[0] for text in guide or ()] + (["normalise"] if normalise else [])
    if guide is not None and not guide:
        added.append("no guidance")
    return FromGenerator(
        model=model, name=" + ".join([name, *added]), guidance=guide, adapter=tuple(adapters or ()), rewrite=rewrite,
        **options,
    )  # fmt: skip


def kind_of(model: str) -> str:
    """Return what a model draws: people, pictograms or shapes as its card says, photos, or nothing that is known."""
    from limn.models import describe

    path = Path(model).expanduser()
    if model == ORACLE:
        return "people"
    if path.is_file() or (path / "model_index.json").is_file():
        return "photos"
    try:
        return str(describe(model).get("data", "")).partition(":")[0]
    except InputError:  # a server's, or none that is here, of which loading it tells
        return "photos" if ":" in model else ""


def _sharing(second: Source, first: Source) -> Source:
    """Load a model that draws in two ways only once."""
    from limn.audit.sources import FromGenerator

    if isinstance(second, FromGenerator) and isinstance(first, FromGenerator) and second.model == first.model:
        return replace(second, model=first.generator)
    return second


def consent(sources: Sequence[Source], probe: Probe, folder: Path, *, allowed: bool) -> None:
    """Say what asking servers will take, before anything is sent.

    Raises:
        InputError: If something must be sent and that was not allowed.
    """
    from limn.audit.folder import Folder
    from limn.audit.hosted import FromEndpoint
    from limn.audit.sources import key_of

    home, waiting = Folder(folder), 0
    for source in sources:
        if not isinstance(source, FromEndpoint):
            continue
        keys = {key_of(source, probe.asks[item.ask], item.seed) for item in probe.items()}
        left = sum(not home.picture(key).exists() and not home.refusal(key) for key in keys)
        cost = "; give price=... behind the model to have the costs told"
        if source.price is not None:
            cost = f", {left * source.price:,.2f} at {source.price:g} each, more where answers are asked for again"
        before = f" ({len(keys) - left:,} were answered before)" if left < len(keys) else ""
        console.say(f"limn: {source.name}: {left:,} requests to {source.base}{before}{cost}")
        waiting += left
    if waiting and not allowed:
        raise InputError(
            f"model: {waiting:,} prompts would be sent over the network; add --allow-network to send them"
        )


def tell_drawing(sources: Sequence[Source]) -> None:
    """Say how many prompts were longer than a model reads, and where memory ran out."""
    from limn.audit.sources import FromGenerator

    for source in (source for source in sources if isinstance(source, FromGenerator)):
        if source.halved:
            console.say(f"limn: {source.name}: memory ran out; {source.halved} pictures were drawn together")
        if source.unread:
            text, words = next(iter(source.unread.items()))
            console.say(f"limn: {source.name}: {len(source.unread):,} prompts are too long for it; the first:")
            console.say(too_long(text, words))
