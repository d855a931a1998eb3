"""``limn edit``: change a picture by words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limn.cli import drawing
from limn.cli.generate import (
    OUT,
    Batch,
    Count,
    Device,
    Explain,
    Json,
    Negative,
    Out,
    Sampler,
    Scale,
    Seed,
    Sheet,
    Show,
    Style,
)

__all__ = ["edit"]

Picture = Annotated[Path, typer.Argument(help="The picture: PNG, JPEG or WebP.", show_default=False)]
Prompts = Annotated[list[str], typer.Argument(help="What is to be seen in it.", show_default=False)]
Mask = Annotated[Path | None, typer.Option(help="A picture of the same size, white where to draw anew.")]
Box = Annotated[str | None, typer.Option(help='Where to draw anew: "left,top,right,bottom", each from 0 to 1.')]
Extend = Annotated[str | None, typer.Option(help='Draw on beyond a side: "right=16" pixels; left, top, bottom.')]
Steps = Annotated[int | None, typer.Option(help="Steps; without a mask, how far the picture goes (50).")]
Model = Annotated[str, typer.Option(help="A masked token model: a name (limn models) or a folder.")]


def edit(
    picture: Picture,
    prompts: Prompts,
    mask: Mask = None,
    box: Box = None,
    extend: Extend = None,
    n: Count = None,
    seed: Seed = None,
    steps: Steps = None,
    sampler: Sampler = None,
    scale: Scale = None,
    negative: Negative = None,
    style: Style = None,
    model: Model = "muse_shapes",
    out: Out = OUT,
    grid: Sheet = False,
    explain: Explain = False,
    json: Json = False,
    show: Show = False,
    device: Device = "cpu",
    batch: Batch = None,
) -> None:
    """Draw a part of a picture anew (--mask, --box), draw on beyond a side (--extend), or let it drift to the words.

    What lies outside stays as it is. The same command draws the same pictures.
    """
    from limn.store import Store

    store = Store(out)
    from limn import models, studio
    from limn.studio.editing import DRIFT, edit_of

    generator = models.load(model, device=studio.check_device(device))
    plan = edit_of(picture, generator.size, mask=mask, box=box, extend=extend)
    drifting = mask is None and box is None and extend is None
    request = generator.request(
        prompts,
        n=1 if n is None else n,
        seed=seed or 0,
        steps=DRIFT if drifting and steps is None else steps,
        sampler="resample" if drifting and sampler is None else sampler,
        style=style,
        guidance=studio.guidances(generator, scale=scale, negative=negative or ""),
        edit=plan,
    )
    outcomes = drawing.draw(generator, [request], store, device=device, batch=batch, max_rows=None)
    if explain:
        drawing.explain(outcomes)
    drawing.report(outcomes, show=show, grid=grid, json=json)
    if any(each.failed for each in outcomes):
        raise typer.Exit(1)
