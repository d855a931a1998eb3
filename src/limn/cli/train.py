"""``limn train``: train a model from a recipe."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console, interrupts
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.train.loop import Progress

RecipeFile = Annotated[Path, typer.Argument(help="A TOML file, or the name of a recipe that comes with limn.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run; runs/train/NAME if left out.")]
Minutes = Annotated[float | None, typer.Option(help="Minutes of training in all, instead of what the recipe says.")]
Resume = Annotated[bool, typer.Option(help="Go on with the run that is in the folder.")]
Device = Annotated[str | None, typer.Option(help="Where to train; a GPU if there is one.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="A value of the recipe, as optimiser.lr=0.001; may be repeated.")
]
Workers = Annotated[int, typer.Option(help="Processes that part each batch between them.", min=1)]
Export = Annotated[
    Path | None, typer.Option(help="At the end, write a model folder here, for limn generate --model.")
]

Length = Annotated[
    float | None,
    typer.Option(help="Export weights averaged over this share of training (post-hoc EMA), where snapshots are."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files in these folders that limn did not write.")]


def train(
    recipe: RecipeFile,
    out: Out = None,
    set_: Set = None,
    minutes: Minutes = None,
    resume: Resume = True,
    device: Device = None,
    workers: Workers = 1,
    export: Export = None,
    ema_length: Length = None,
    force: Force = False,
) -> None:
    """Train a model, with checkpoints; the same command goes on after a stop."""
    from limn.studio import check_device
    from limn.train.export import check_target
    from limn.train.export import export as write_model
    from limn.train.loop import train as steps
    from limn.train.post_hoc_ema import check as check_length
    from limn.train.recipe import read
    from limn.train.settings import changed

    plan = changed(read(recipe), set_ or ())
    if device is not None:
        check_device(device)
    if minutes is not None:
        plan = replace(plan, schedule=replace(plan.schedule, minutes=minutes, steps=0))
    folder = out or Path("runs/train") / plan.name
    if ema_length is not None:
        if export is None:
            raise InputError("ema-length: is of the weights that are exported; give --export FOLDER")
        check_length(folder, ema_length, plan.saving.snapshots)
    if export is not None:
        check_target(export, force=force)
    events = steps(plan, folder, resume=resume, device=device, workers=workers, force=force)
    with console.Meter("pictures") as meter:
        first = next(events, None)  # loads and compiles; nothing is learned yet that could be lost
        with interrupts.finishing("stopping and saving after this step") as asked, closing(events):
            for event in chain(filter(None, [first]), events):
                meter.show(event.progress, 1.0, *_words(event))
                if event.sheet is not None:
                    figures = "".join(f", {name} {value:.3g}" for name, value in event.scores.items())
                    meter.say(f"limn: step {event.step}, {event.sheet}{figures}")
                if asked():
                    break
    if asked():
        interrupts.on_stop(lambda: f"saved in {folder}; the same command goes on")
        raise typer.Exit(128 + asked())
    if export is not None:
        write_model(folder, export, force=force, length=ema_length)
        console.result(export)
    else:
        console.result(folder)


def _words(event: Progress) -> tuple[str, str]:
    """Say where training is, and how fast it goes."""
    loss = "" if math.isnan(event.loss) else f", loss {event.loss:.4f}"
    left = console.duration(event.eta) if math.isfinite(event.eta) else "?"
    return f"step {event.step}{loss}", f"{event.rate:.1f} pictures a second, {left} left"
