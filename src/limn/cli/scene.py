"""``limn scene``: several things on one picture, each drawn by its own words and put in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import console, drawing
from limn.cli.generate import tell_unknown
from limn.cli.options import OUT, Device, Mark, Method, Out, Show, Sign, drawing_options
from limn.kernel.request import Request

if TYPE_CHECKING:
    from limn.provenance.seal import Seal
    from limn.studio.scenes import Layout

Words = Annotated[
    str,
    typer.Argument(help='Two or three things and where they are: "a cat above a red heart".', show_default=False),
]
Upscale = Annotated[bool, typer.Option("--upscale", help="Compose of copies that are four times as large.")]


@drawing_options(without=["size", "regions", "region"])
def scene(
    *,
    words: Words,
    asked: Mapping[str, Any],
    out: Out = OUT,
    upscale: Upscale = False,
    method: Method = "learned",
    show: Show = False,
    no_mark: Mark = False,
    no_sign: Sign = False,
    device: Device = "cpu",
) -> None:
    """Draw a scene, thing by thing, and print its files.

    Models that draw one thing well often fail at two; here each is drawn alone, in one style.
    """
    from limn import models, studio
    from limn.provenance.seal import Seal
    from limn.store import Store
    from limn.studio import scenes
    from limn.studio.upscaling import method as enlarging

    layout, store = scenes.layout(words), Store(out)
    larger = enlarging(method, device=studio.check_device(device)) if upscale else None
    request = Request.of([thing.words for thing in layout.things], asked)
    tell_unknown((thing.words for thing in layout.things), request)
    generator = models.load(request.model, device=studio.check_device(device))
    request = generator.complete(replace(request, style=request.style or next(iter(generator.styles), None)))
    seal = Seal(mark=not no_mark, sign=not no_sign)
    outcomes = drawing.draw(generator, [request], store, device=device, seal=seal)
    if larger is not None:
        drawing.enlarge(outcomes, larger)
    files = _composed(outcomes[0], layout, words, request.n, seal)
    for path in files:
        console.result(drawing.shown(path))
        if show:
            console.picture(path)
    if len(files) < request.n:
        console.say(f"limn: {request.n - len(files)} of {request.n} scenes lack a thing that could not be drawn")
        raise typer.Exit(1)


def _composed(outcome: drawing.Outcome, layout: Layout, words: str, count: int, seal: Seal) -> list[Path]:
    """Compose the scenes whose things were all drawn."""
    from limn.studio import scenes

    drawn = outcome.larger or outcome.pictures
    wanted = [[thing * count + number for thing in range(len(layout.things))] for number in range(count)]
    return [
        scenes.write([drawn[index] for index in places], layout, words, number, seal)
        for number, places in enumerate(wanted)
        if all(index in drawn for index in places)
    ]
