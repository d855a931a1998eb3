"""``limn adapt3d``: another look for all that a model of three dimensions draws."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console
from limn.cli.options import OUT
from limn.cli.prompts import given
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.studio.adapting import Adaptation

Model = Annotated[str, typer.Option(help="A model of objects: a name or a folder.", show_default=False)]
To = Annotated[str, typer.Option(help='How objects are to look: "in Noto style"; {} stands for the object.')]
Out = Annotated[Path, typer.Option(help="The folder of the adapted model.", show_default=False)]
File = Annotated[Path | None, typer.Option(help="Objects to learn on, as prompts; captions of toys if left out.")]
Editor = Annotated[str, typer.Option(help="The model that edits each view: a name or a folder.")]
Strength = Annotated[float, typer.Option(help="Share of the steps that an edit takes.")]
Count = Annotated[int, typer.Option("-n", "--count", help="Edited views to learn from.")]
Views_ = Annotated[int, typer.Option("--views", help="Views of each object.")]
Keep = Annotated[float, typer.Option(help="Share of edits that is kept for following the words best.")]
Pose = Annotated[float, typer.Option(help="Degrees by which an edit may seem to be seen from elsewhere; 180: any.")]
Instance = Annotated[Path | None, typer.Option(help="A picture that edits should resemble, in place of the words.")]
Judge = Annotated[str, typer.Option(help="The judge that chooses edits.")]
Steps = Annotated[int, typer.Option(help="Steps of learning.")]
Rate = Annotated[float, typer.Option("--lr", help="Learning rate.")]
Smooth = Annotated[float, typer.Option(help="Weight of density regularisation.")]
Seed = Annotated[int, typer.Option(help="Decides everything that is drawn.")]
Device = Annotated[str, typer.Option(help="Where models run.")]
Store_ = Annotated[Path, typer.Option("--store", help="Where edits are kept for the next time.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that limn did not write.")]


def adapt3d(
    model: Model,
    to: To,
    out: Out,
    prompts_file: File = None,
    editor: Editor = "emoji",
    strength: Strength = 0.7,
    count: Count = 192,
    views: Views_ = 4,
    keep: Keep = 0.7,
    pose: Pose = 45.0,
    instance: Instance = None,
    judge: Judge = "judge_a",
    steps: Steps = 600,
    lr: Rate = 1e-3,
    smooth: Smooth = 0.05,
    seed: Seed = 0,
    device: Device = "cpu",
    store: Store_ = OUT,
    force: Force = False,
) -> None:
    """Adapt a model of three dimensions to words: edit views, leave out bad edits, learn the others.

    The same objects are drawn afterwards, looking otherwise. Edits are kept, so that the same command goes on.
    """
    prompts = _prompts(prompts_file) if prompts_file is not None else ()
    from limn.scene3d.adapting import Tuning
    from limn.store import Store
    from limn.studio import check_device
    from limn.studio.adapting import Adaptation, Asked

    asked = Asked(
        model=model, to=to, out=out, prompts=prompts, editor=editor, strength=strength, count=count, views=views,
        keep=keep, pose=pose, instance=instance, judge=judge, seed=seed,
        tuning=Tuning(steps=steps, lr=lr, smooth=smooth),
    )  # fmt: skip
    adaptation = Adaptation(asked, Store(store), device=check_device(device), force=force)
    with console.Meter("steps") as meter:
        _run(adaptation, meter)
    poses, edits = adaptation.editing.poses, len(adaptation.editing.views)
    error = f"; poses are read with a median error of {poses.error:.0f} degrees" if poses is not None else ""
    console.say(f"limn: learned from {len(adaptation.kept)} of {edits} edits{error}")
    console.result(out)


def _prompts(file: Path) -> tuple[str, ...]:
    """Return the objects that a file names.

    Raises:
        InputError: A line also has a seed or a negative prompt.
    """
    rows = given([], file)
    if more := {name for row in rows for name in row if name != "prompt"}:
        raise InputError(f"{file}: {', '.join(sorted(more))} of a line cannot be used here; leave it out")
    return tuple(row["prompt"].text for row in rows)


def _run(adaptation: Adaptation, meter: console.Meter) -> None:
    what, events = "", adaptation.run()
    with closing(events):  # type: ignore[type-var]
        for event in events:
            if event.what != what:
                what = event.what
                meter.restart()
            meter.at(event.done, event.total, event.what)
