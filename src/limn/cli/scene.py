"""``limn scene``: several things on one picture, each drawn by its own words and put in its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console, drawing
from limn.cli.generate import (
    OUT,
    Device,
    Familiar,
    Method,
    Model,
    Out,
    Sampler,
    Scale,
    Seed,
    Show,
    Steps,
    tell_unknown,
)

if TYPE_CHECKING:
    from limn.studio.scenes import Layout

__all__ = ["scene"]

Words = Annotated[
    str,
    typer.Argument(help='Two or three things and where they are: "a cat above a red heart".', show_default=False),
]
Count = Annotated[int, typer.Option("-n", help="Scenes.", min=1)]
Style = Annotated[str | None, typer.Option(help="One of the model's styles; its first unless given.")]
Upscale = Annotated[bool, typer.Option("--upscale", help="Compose of copies that are four times as large.")]


def scene(
    words: Words,
    n: Count = 1,
    seed: Seed = None,
    style: Style = None,
    steps: Steps = None,
    sampler: Sampler = None,
    scale: Scale = None,
    familiar: Familiar = None,
    model: Model = None,
    out: Out = OUT,
    upscale: Upscale = False,
    method: Method = "learned",
    show: Show = False,
    device: Device = "cpu",
) -> None:
    """Draw a scene, thing by thing, and print its files.

    Models that draw one thing well often fail at two; here each is drawn alone, in one style.
    """
    from limn import models, studio
    from limn.kernel.prompt import Prompt
    from limn.store import Store
    from limn.studio import scenes
    from limn.studio.upscaling import method as enlarging

    found, store = scenes.layout(words), Store(out)
    larger = enlarging(method, device=studio.check_device(device)) if upscale else None
    name = model or "emoji"
    tell_unknown((thing.words for thing in found.things), name, familiar=bool(familiar))
    generator = models.load(name, device=studio.check_device(device))
    draft = studio.Draft(
        prompts=tuple(Prompt(thing.words) for thing in found.things),
        n=n,
        seed=seed or 0,
        steps=steps,
        sampler=sampler,
        scale=scale,
        familiar=bool(familiar),
        style=style or next(iter(generator.styles), None),
    )
    outcomes = drawing.draw(generator, [draft.request(generator)], store, device=device)
    if larger is not None:
        drawing.enlarge(outcomes, larger)
    files = _composed(outcomes[0], found, words, n)
    for path in files:
        console.result(drawing.shown(path))
        if show:
            console.picture(path)
    if len(files) < n:
        console.say(f"limn: {n - len(files)} of {n} scenes lack a thing that could not be drawn")
        raise typer.Exit(1)


def _composed(outcome: drawing.Outcome, found: Layout, words: str, count: int) -> list[Path]:
    """Compose the scenes whose things were all drawn."""
    from limn.studio import scenes

    drawn = outcome.larger or outcome.pictures
    wanted = [[thing * count + number for thing in range(len(found.things))] for number in range(count)]
    return [
        scenes.write([drawn[index] for index in places], found, words, number)
        for number, places in enumerate(wanted)
        if all(index in drawn for index in places)
    ]
