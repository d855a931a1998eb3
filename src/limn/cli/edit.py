"""``limn edit``: change a picture by words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from limn.cli import drawing
from limn.cli.options import (
    OUT,
    Batch,
    Depth,
    Device,
    Explain,
    Json,
    Lean,
    Mark,
    Mesh,
    Out,
    Rows,
    Sheet,
    Show,
    Sign,
    Turntable,
    drawing_options,
)
from limn.kernel.request import Request

Edited = Annotated[
    Path,
    typer.Argument(
        metavar="PICTURE", help="PNG, JPEG or WebP; scaled and cropped to the model's size.", show_default=False
    ),
]
Prompts = Annotated[list[str], typer.Argument(help="What is to be seen in it.", show_default=False)]
Mask = Annotated[
    Path | None,
    typer.Option(
        help="A picture of the same size: white is drawn anew, black stays. Lighter than half counts as white, "
        "transparent as black; grey also mixes drawn and old pixels (not with tokens)."
    ),
]
Box = Annotated[str | None, typer.Option(help='Where to draw anew: "left,top,right,bottom", each from 0 to 1.')]
Extend = Annotated[str | None, typer.Option(help='Draw on beyond a side: "right=16" pixels; left, top, bottom.')]
Strength = Annotated[
    float | None,
    typer.Option(help="Share of the steps that is taken: near 0 little changes (0.75; with a region 1: all anew)."),
]
Resample = Annotated[int | None, typer.Option(help="Walk each step so often, so that seams close (RePaint).")]
Invert = Annotated[bool, typer.Option("--invert", help="Start from the picture's own noise, found by walking back.")]
Source = Annotated[str | None, typer.Option(help="What the picture shows, for --invert.")]


@drawing_options(without=["size", "regions", "region"])
def edit(
    *,
    edited: Edited,
    prompts: Prompts,
    mask: Mask = None,
    box: Box = None,
    extend: Extend = None,
    strength: Strength = None,
    resample: Resample = None,
    invert: Invert = False,
    source: Source = None,
    asked: Mapping[str, Any],
    out: Out = OUT,
    grid: Sheet = False,
    explain: Explain = False,
    json: Json = False,
    show: Show = False,
    no_mark: Mark = False,
    no_sign: Sign = False,
    device: Device = "cpu",
    batch: Batch = None,
    max_rows: Rows = None,
    turntable: Turntable = None,
    mesh: Mesh = None,
    depth: Depth = False,
    drop_encoders: Lean = False,
) -> None:
    """Draw a part of a picture anew (--mask, --box), draw on beyond a side (--extend), or change all of it.

    What lies outside a region stays as it is, to the bit. The same command draws the same pictures. A model of three
    dimensions finds the object in the picture; with a low --strength it is that object, seen from wherever asked.
    """
    from limn.store import Store

    store = Store(out)
    from limn import models, studio
    from limn.provenance.seal import Seal
    from limn.studio.editing import edit_of

    incomplete = Request.of(prompts, asked)
    generator = models.load(incomplete.model, device=studio.check_device(device))
    plan, usual = edit_of(
        edited, generator, mask=mask, box=box, extend=extend,
        strength=strength, resample=resample, invert=invert or None, source=source,
    )  # fmt: skip
    request = generator.complete(Request.of(prompts, {**usual, **asked, "edit": plan}))
    wanted = drawing.objects(generator, turntable, mesh, depth, request.n * len(request.prompts))
    seal = Seal(mark=not no_mark, sign=not no_sign)
    outcomes = drawing.draw(
        generator, [request], store, device=device, batch=batch, max_rows=max_rows, seal=seal, lean=drop_encoders
    )
    if explain:
        drawing.explain(outcomes)
    if wanted is not None:
        drawing.solids(outcomes, generator, wanted, batch=batch, max_rows=max_rows)
    drawing.report(outcomes, show=show, grid=grid, json=json)
    drawing.check(outcomes)
