"""``limn learn``: teach a model a word, a subject, a style or one picture."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import console, interrupts
from limn.cli.options import OUT

if TYPE_CHECKING:
    from limn.personalise.loop import Progress
    from limn.personalise.method import Method

How = Annotated[str, typer.Argument(help='How (limn learner list), as "dreambooth:prior=0.5".', show_default=False)]
Pictures = Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.", show_default=False)]
Model = Annotated[str, typer.Option(help="The model that learns: emoji, shapes or a Stable Diffusion folder.")]
Out = Annotated[Path, typer.Option(help="The file to write, FILE.safetensors; a folder where all weights learn.")]
Word = Annotated[str | None, typer.Option(help="What it is called from now on.")]
Thing = Annotated[str | None, typer.Option(help="What kind of thing it is, in a word that the model knows.")]
Caption = Annotated[
    list[str] | None, typer.Option(help="What is said of the pictures: once for all, or once for each, in order.")
]
Rank = Annotated[int | None, typer.Option(help="Rank of the low-rank factors; 0 lets all weights learn.")]
Steps = Annotated[int, typer.Option(help="So many steps, the last is kept; if left out, measuring chooses.")]
Every = Annotated[int, typer.Option(help="Steps from one measurement, and sheet, to the next.")]
Looks = Annotated[int, typer.Option(help="Pictures drawn at each measurement.")]
Held = Annotated[
    int | None,
    typer.Option(
        help="Pictures kept out of learning to measure it; if left out, one of three or more, and none for a word."
    ),
]
Seed = Annotated[int, typer.Option(help="Decides everything that is drawn.")]
Licence = Annotated[str, typer.Option(help="A note on the licence of the pictures, for the record.")]
Device = Annotated[str, typer.Option(help="Where the model runs.")]
Store_ = Annotated[Path, typer.Option("--store", help="Where pictures of the class are kept for the next time.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that limn did not write.")]


def learn(
    method: How,
    pictures: Pictures,
    out: Out,
    model: Model = "emoji",
    word: Word = None,
    thing: Thing = None,
    caption: Caption = None,
    rank: Rank = None,
    steps: Steps = 0,
    every: Every = 50,
    looks: Looks = 4,
    held: Held = None,
    seed: Seed = 0,
    licence: Licence = "",
    device: Device = "cpu",
    store: Store_ = OUT,
    force: Force = False,
) -> None:
    """Teach a model from pictures; what it learned is one small file, used by --adapter FILE.

    While it learns it is measured, and the best step is kept; curves stand beside the file, sheets in FILE.learning.
    Ctrl-C keeps the best so far; the same command goes on.
    """
    how = _method(method, {"word": word, "thing": thing, "rank": rank})
    from limn.personalise.loop import Plan
    from limn.personalise.pictures import read
    from limn.store import Store
    from limn.studio import check_device
    from limn.studio.learning import Asked, Teaching

    asked = Asked(
        method=how, model=model, pictures=read(pictures, caption or ()), out=out, held=held, seed=seed,
        plan=Plan(steps=steps, every=every, looks=looks), licence=licence,
    )  # fmt: skip
    teaching = Teaching(asked, Store(store), device=check_device(device), force=force)
    for unknown in teaching.unknown:
        console.say(f"limn: thing: {model} has never learned {unknown!r}; a word that it knows is a better start")
    with console.Meter("steps") as meter:
        _ordinary(teaching, meter)
        events: Any = teaching.learn()
        with interrupts.finishing("stopping and keeping the best so far") as stopped, closing(events):
            for event in events:
                _show(event, meter)
                if stopped():
                    break
    path = teaching.write()
    kept = teaching.learning.kept_at if teaching.learning else 0
    console.say(f"limn: kept step {kept}; curves: {asked.plot}, sheets: {asked.work / 'sheets'}")
    console.result(path)
    if stopped():
        console.say("limn: stopped; the same command goes on")
        raise typer.Exit(128 + stopped())


def _method(text: str, given: dict[str, Any]) -> Method:
    from limn.kernel import registry
    from limn.kernel.options import fields

    changes = {name: value for name, value in given.items() if value is not None}
    return registry.build("learners", {**fields(text), **changes})  # type: ignore[no-any-return]


def _ordinary(teaching: Any, meter: console.Meter) -> None:
    """Draw what the method wants of the untouched model."""
    from limn.studio import Drawn, Kept

    request, done = teaching.drawing(), 0
    if request is None:
        return
    for event in teaching.draw(request):
        done += isinstance(event, Drawn | Kept)
        meter.at(done, request.n, f"drawing {request.prompts[0].text!r} by the untouched model")
    meter.restart()


def _show(event: Progress, meter: console.Meter) -> None:
    left = console.duration(event.eta) if math.isfinite(event.eta) else "?"
    loss = "" if math.isnan(event.loss) else f", loss {event.loss:.4f}"
    meter.show(event.step, event.most, f"step {event.step}{loss}", f"at most {left} left")
    if (measured := event.measured) is not None:
        facts = "".join(f", {name} {value:.3g}" for name, value in measured.facts.items())
        figures = (
            f"held-out loss {measured.held:.4f}, drift {measured.drift:.4f}, copies {measured.copies:.0%}{facts}"
        )
        meter.say(f"limn: step {event.step}: {figures}")
