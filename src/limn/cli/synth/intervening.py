"""``limn synth intervene``: pictures that are there, changed as words say, their classes kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limn.cli.audit.options import Adapters, GuideOf, written
from limn.cli.options import Device
from limn.cli.synth.making import (
    Against,
    Check,
    Field,
    Filter,
    Force,
    Form,
    JudgeOf,
    Out,
    Real,
    Splits,
    Twins,
    chosen,
    drawing,
    finish,
    judged,
    watched,
)
from limn.kernel.errors import InputError


def intervene(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="Pictures: a folder for each class, or any set.", show_default=False)
    ],
    to: Annotated[str, typer.Option(help='What they become, as "a flat drawing of a {class}".')],
    out: Out,
    how: Annotated[str, typer.Option(help='How (limn synth how list), as "sdedit:strength=0.6".')] = "sdedit",
    classes: Annotated[Path | None, typer.Option(help="A class file, for names and the judge's words.")] = None,
    model: Annotated[str, typer.Option(help="A name (limn models), a folder or file.")] = "emoji",
    n: Annotated[int, typer.Option("-n", "--n", help="Pictures made of each picture.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="First seed.", min=0)] = 0,
    guide: GuideOf = None,
    adapter: Adapters = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the sampler.")] = None,
    judge: JudgeOf = None,
    field: Field = "",
    real: Real = None,
    filter_: Filter = False,
    keep_twins: Twins = False,
    not_in: Against = None,
    splits: Splits = "train=1",
    format_: Form = "folder",
    check: Check = 50,
    device: Device = "cpu",
    force: Force = False,
) -> None:
    """Change pictures as words say and keep their classes; a judge says whether they kept them.

    A word that was learned from pictures of the other domain (limn learn textual_inversion) is given by --adapter.
    """
    from limn.audit.sources import FromGenerator
    from limn.kernel import registry
    from limn.synth.classes import Classes, Thing, read_classes
    from limn.synth.datasheet import card_of
    from limn.synth.intervention import Intervening, Intervention, asks_of
    from limn.synth.labelled import class_names, read_labelled
    from limn.synth.making import make

    things = tuple(Thing(label=label, name=label, value=label) for label in ([] if classes else class_names(folder)))
    known = read_classes(classes) if classes else Classes(things=things)
    way = registry.parse("interventions", how)
    if not isinstance(way, Intervention):
        raise InputError(f"how {how}: its class does not derive from limn.synth.intervention.Intervention")
    pictures = read_labelled(folder, known.labels)
    source = drawing(model, guide, adapter, scale=None, steps=steps, device=device, together=None)
    if not isinstance(source, FromGenerator):
        raise InputError(f"model: {model} cannot edit; name one that limn loads")
    asks = asks_of(pictures, to, {thing.label: thing.name for thing in known.things}, n=n, seed=seed)
    changing = Intervening(
        intervention=way, source=source, pictures=dict(zip(pictures.keys, pictures.pictures, strict=True))
    )
    reads = judged(judge, known, field, real)
    about = {
        "how": {"model": model, "from": str(folder), "to": to, "how": registry.record(way), "seed": seed},
        "card": card_of(model),
    }
    command = written(context, "synth")
    choice = chosen(filter_, keep_twins, not_in, splits, format_)
    events = make(asks, changing, out, judge=reads, choice=choice, about=about, command=command, force=force)
    finish(watched(events, out), command, "", "", check)
