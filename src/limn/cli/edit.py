"""``limn edit``: change a picture by words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from limn.cli import drawing
from limn.cli.options import OUT, Batch, Device, Explain, Json, Out, Rows, Sheet, Show, drawing_options
from limn.kernel.request import Request

Picture = Annotated[Path, typer.Argument(help="The picture: PNG, JPEG or WebP.", show_default=False)]
Prompts = Annotated[list[str], typer.Argument(help="What is to be seen in it.", show_default=False)]
Mask = Annotated[Path | None, typer.Option(help="A picture of the same size, white where to draw anew.")]
Box = Annotated[str | None, typer.Option(help='Where to draw anew: "left,top,right,bottom", each from 0 to 1.')]
Extend = Annotated[str | None, typer.Option(help='Draw on beyond a side: "right=16" pixels; left, top, bottom.')]
Model = Annotated[str, typer.Option(help="A masked token model: a name (limn models) or a folder.")]


@drawing_options(without=["size", "regions", "region", "model"])
def edit(
    *,
    picture: Picture,
    prompts: Prompts,
    mask: Mask = None,
    box: Box = None,
    extend: Extend = None,
    asked: Mapping[str, Any],
    model: Model = "muse_shapes",
    out: Out = OUT,
    grid: Sheet = False,
    explain: Explain = False,
    json: Json = False,
    show: Show = False,
    device: Device = "cpu",
    batch: Batch = None,
    max_rows: Rows = None,
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
    usual = DRIFT if mask is None and box is None and extend is None else {}
    request = generator.complete(Request.of(prompts, {**usual, **asked, "edit": plan}))
    outcomes = drawing.draw(generator, [request], store, device=device, batch=batch, max_rows=max_rows)
    if explain:
        drawing.explain(outcomes)
    drawing.report(outcomes, show=show, grid=grid, json=json)
    drawing.check(outcomes)
