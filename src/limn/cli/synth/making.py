"""``limn synth make``: draw a labelled set, choose, write, and tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import console, interrupts
from limn.cli.audit.options import Adapters, GuideOf, written
from limn.cli.drawing import shown
from limn.cli.options import Batch, Device, Engine
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.audit.run import AuditProgress
    from limn.synth.judge import Judge
    from limn.synth.making import Choice, Made

Out = Annotated[Path, typer.Option(help="The set's folder; what is there already is kept.")]
JudgeOf = Annotated[
    str | None, typer.Option(help="Who reads the pictures (limn reader list); zero_shot reads the classes' words.")
]
Field = Annotated[str, typer.Option(help="Which field of the judge says the class.")]
Real = Annotated[
    Path | None,
    typer.Option(help="Real pictures, a folder for each class, on which the judge's errors are counted."),
]
Filter = Annotated[bool, typer.Option("--filter", help="Keep only pictures that the judge reads as asked.")]
Twins = Annotated[bool, typer.Option("--keep-twins", help="Keep near-duplicates.")]
Against = Annotated[
    list[Path] | None, typer.Option("--not-in", help="A folder of test pictures whose like must not be in the set.")
]
Splits = Annotated[str, typer.Option(help="Shares of splits, as train=0.9,test=0.1.")]
Form = Annotated[str, typer.Option("--format", help="How data is written: folder, webdataset or parquet.")]
Training = Annotated[str, typer.Option(help="What the model learned from, to count copies in the datasheet.")]
Held = Annotated[str, typer.Option(help="Held-out pictures like those of --training.")]
Check = Annotated[int, typer.Option(help="Pictures of each class on the page of the check by hand.", min=1)]
Force = Annotated[bool, typer.Option("--force", help="Replace files there that limn did not write.")]
Seeds = Annotated[str, typer.Option(help="order: picture k has seed k; content: its seed follows from its words.")]


def make(
    context: typer.Context,
    classes: Annotated[Path, typer.Argument(help="The class file (TOML).", show_default=False)],
    out: Out,
    model: Annotated[str, typer.Option(help="A name (limn models), a folder or file.")] = "emoji",
    recipe: Annotated[
        str, typer.Option(help='A recipe of prompts (limn synth recipe list), as "name:scale=2".')
    ] = "name",
    n: Annotated[int, typer.Option("-n", "--n", help="Pictures of each class.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="First seed.", min=0)] = 0,
    seeds: Seeds = "order",
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
    training: Training = "",
    held: Held = "",
    check: Check = 50,
    device: Device = "cpu",
    engine: Engine = "local",
    batch: Batch = None,
    force: Force = False,
) -> None:
    """Make a labelled set: its pictures in OUT/data, a datasheet, and a page for the check by hand.

    The same command goes on where it was stopped; with other choices it draws nothing twice.
    """
    from limn.io.cluster import read_engine
    from limn.kernel import registry
    from limn.synth.classes import read_classes
    from limn.synth.datasheet import card_of
    from limn.synth.making import make as made
    from limn.synth.recipe import SEEDS, Recipe

    if seeds not in SEEDS:
        raise InputError(f"seeds: {seeds!r} is unknown; choose of {', '.join(SEEDS)}")
    known, words = read_classes(classes), registry.parse("recipes", recipe)
    if not isinstance(words, Recipe):
        raise InputError(f"recipe {recipe}: its class does not derive from limn.synth.recipe.Recipe")
    asks, cluster = words.asks(known, n, seed=seed, seeds=seeds), read_engine(engine, device=device)
    here = "cpu" if cluster else device
    source = drawing(model, guide, adapter, scale=words.scale, steps=steps, device=here, together=batch)
    reads = judged(judge, known, field, real)
    about = {
        "how": {"model": model, "recipe": registry.record(words), "pictures of a class": n, "seed": seed,
                "seeds": seeds, "settings": dict(source.settings)},
        "card": card_of(model),
        "meanings": {thing.label: thing.definition for thing in known.things if thing.definition},
    }  # fmt: skip
    command = written(context, "synth")
    choice = chosen(filter_, keep_twins, not_in, splits, format_)
    how: dict[str, Any] = {"about": about, "command": command, "force": force, "engine": cluster}
    events = made(asks, source, out, judge=reads, choice=choice, **how)
    finish(watched(events, out), command, training, held, check)


def drawing(
    model: str, guide: list[str] | None, adapter: list[str] | None, *, scale: float | None, **options: Any
) -> Any:
    """Return what draws."""
    from limn.audit.sources import FromGenerator
    from limn.cli.audit.sources import drawn_by

    first = (model, guide, adapter, False)
    [source] = drawn_by(first, first, alone=True, **options)
    if scale is None:
        return source
    if not isinstance(source, FromGenerator):
        raise InputError(f"recipe: its scale is for models that limn loads, not for {model}; leave it out")
    source.scale = scale
    return source


def judged(judge: str | None, classes: Any, field: str, real: Path | None) -> Judge | None:
    """Return who reads the pictures, if anybody does."""
    from limn.cli.audit.options import unused
    from limn.synth.judge import open_judge

    if judge is None:
        unused({"field": field or None, "real": real}, "is about the judge, and none is named")
        return None
    return open_judge(judge, classes, field=field, real=real)


def chosen(judged: bool, twins: bool, not_in: list[Path] | None, splits: str, form: str) -> Choice:
    """Return what is kept and how it is written."""
    from limn.synth.choosing import read_splits
    from limn.synth.making import Choice

    shares = read_splits(splits)
    return Choice(judged=judged, twins=not twins, against=tuple(not_in or ()), splits=shares, form=form)


def watched(events: Iterator[AuditProgress | Made], folder: Path) -> Made:
    """Follow the making of a set with a meter, and return it."""
    from limn.synth.making import Made

    interrupts.on_stop(lambda: f"what was drawn and read is kept in {folder}; the same command goes on")
    with console.Meter("pictures") as meter:
        stage = None
        for event in events:
            if isinstance(event, Made):
                return event
            if (event.stage, event.name) != stage:
                stage = (event.stage, event.name)
                meter.restart()
                meter.kept = event.kept
            meter.at(event.done, event.total, f"{event.stage} ({event.name})")
    raise AssertionError("making a set ends with the set")


def finish(made: Made, command: str, training: str, held: str, check: int) -> None:
    """Write the datasheet and the page of the check by hand, and say what came of the set."""
    from limn.synth.datasheet import write_datasheet
    from limn.synth.hand_check import write_page

    page = write_page(made, check)
    report = write_datasheet(made, command=command, training=training, held=held)
    for line in report.summary:
        console.say(f"limn: {line}")
    console.say(f"limn: datasheet: {shown(made.folder / 'report.html')}; check by hand: {shown(page)}")
    console.result(shown(made.folder / "data"))
