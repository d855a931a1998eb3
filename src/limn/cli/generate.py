"""``limn generate``: draw what the prompts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import drawing
from limn.cli.console import say
from limn.cli.options import (
    OUT,
    Batch,
    Depth,
    Device,
    Engine,
    Explain,
    Json,
    Lean,
    Mark,
    Mesh,
    Method,
    Out,
    Rows,
    Sheet,
    Show,
    Sign,
    Threads,
    Turntable,
    drawing_options,
)
from limn.cli.prompts import Row, given
from limn.cli.request_file import read
from limn.kernel.errors import InputError
from limn.kernel.request import Request
from limn.text.homoglyphs import normalise as normalise_text
from limn.text.reading import PAINTER

if TYPE_CHECKING:
    from limn.io.cluster import Cluster
    from limn.models.dual_encoders import Encoder
    from limn.studio import Axis, upscaling

Prompts = Annotated[
    list[str] | None, typer.Argument(help="What to draw; several prompts are drawn together.", show_default=False)
]
File = Annotated[Path | None, typer.Option(help="Prompts: text (one a line), .jsonl or .csv; - is text on stdin.")]
RequestFile = Annotated[
    Path | None, typer.Option("--request", help="These options as TOML; what is given here takes their place.")
]
Across = Annotated[
    str | None, typer.Option("--grid-x", help='Values from left to right: "scale=1,3,5", "guide=NAME:option=a,b".')
]
Down = Annotated[str | None, typer.Option("--grid-y", help="Values from top to bottom.")]
Rerank = Annotated[
    int | None, typer.Option(help="Draw this many for each picture and keep those a judge finds nearest.", min=1)
]
Judge = Annotated[str | None, typer.Option(help="The dual encoder that reranks: a name or a folder (judge_a).")]
Svg = Annotated[bool, typer.Option("--svg", help="Also trace each picture into an SVG, for use as an icon.")]
Wildcards = Annotated[
    Path | None, typer.Option(help="A folder of lists: __name__ in a prompt is a line of name.txt.")
]
Upscale = Annotated[bool, typer.Option("--upscale", help="Also write a copy of each picture, four times as large.")]


@drawing_options()
def generate(
    *,
    prompts: Prompts = None,
    prompts_file: File = None,
    request: RequestFile = None,
    asked: Mapping[str, Any],
    wildcards: Wildcards = None,
    out: Out = OUT,
    grid: Sheet = False,
    grid_x: Across = None,
    grid_y: Down = None,
    explain: Explain = False,
    json: Json = False,
    show: Show = False,
    no_mark: Mark = False,
    no_sign: Sign = False,
    device: Device = "cpu",
    engine: Engine = "local",
    batch: Batch = None,
    max_rows: Rows = None,
    drop_encoders: Lean = False,
    rerank: Rerank = None,
    judge: Judge = None,
    upscale: Upscale = False,
    svg: Svg = False,
    turntable: Turntable = None,
    mesh: Mesh = None,
    depth: Depth = False,
    method: Method = "learned",
    threads: Threads = None,
) -> None:
    """Draw pictures of what the prompts say, and print their files.

    The same command draws the same pictures; if it was stopped, it goes on where it stopped.
    """
    asked = {**(read(request) if request is not None else {}), **asked}
    texts, keep = asked.pop("prompts", []), asked.get("n", 1)
    rows = given(prompts or ([] if prompts_file else texts), prompts_file)
    from limn.store import Store

    store = Store(out)  # says at once, before anything slow, when nothing can be written there
    from limn import models, studio
    from limn.provenance.seal import Seal

    made, asked = _decided(rows, {**asked, "n": keep * (rerank or 1)}, wildcards, rerank)
    axes = [studio.Axis.parse(text) if text is not None else None for text in (grid_x, grid_y)]
    requests = _requests(made, asked, axes)
    _tell(made, requests[0], normalise=asked.get("normalise", False))
    studio.check_room(out, sum(len(drawn.items()) for drawn in requests), requests[0].pictured or (64, 64))
    _use_threads(threads)
    cluster, here = _engine(engine, device, drop_encoders)
    larger = _larger(method, here) if upscale or svg else None
    _check_tracer(svg)
    ranking = _judge(rerank, judge)
    generator = models.load(requests[0].model, device=here)
    complete = [generator.complete(incomplete) for incomplete in requests]
    wanted = drawing.objects(generator, turntable, mesh, depth, sum(keep * len(one.prompts) for one in complete))
    seal = Seal(mark=not no_mark, sign=not no_sign)
    how: dict[str, Any] = {"batch": batch, "max_rows": max_rows, "lean": drop_encoders, "engine": cluster}
    outcomes = drawing.draw(generator, complete, store, device=here, seal=seal, **how)
    if explain:
        drawing.explain(outcomes)
    if ranking is not None:
        drawing.rerank(outcomes, keep, ranking)
    if wanted is not None:
        drawing.solids(outcomes, generator, wanted, batch=batch, max_rows=max_rows, seal=seal)
    if larger is not None and upscale:
        drawing.enlarge(outcomes, larger, seal)
    if larger is not None and svg:
        drawing.vectorise(outcomes, larger, seal)
    labelled = drawing.labelled(outcomes, store, axes, seal) if any(axes) else None
    drawing.report(outcomes, show=show, grid=grid, json=json, labelled=labelled, seal=seal)
    drawing.check(outcomes)


def _decided(
    rows: Sequence[Row], asked: Mapping[str, Any], folder: Path | None, rerank: int | None
) -> tuple[Sequence[Row], dict[str, Any]]:
    """Make the choices that prompts leave, such as ``{red|blue}``, and say what was chosen."""
    from limn.studio.asking import decided

    made, n = decided(rows, asked["n"], asked.get("seed") or 0, folder)
    if (len(made), n) != (len(rows), asked["n"]) or made != list(rows):
        if rerank is not None:
            raise InputError(
                "rerank: chooses among pictures of one prompt; write the prompt without {a|b} and __x__"
            )
        for row in made:
            say(f"limn: seed {row['seed']}: {row['prompt'].text[:200]}")
    return made, {**asked, "n": n}


def _requests(rows: Sequence[Row], asked: Mapping[str, Any], axes: Sequence[Axis | None]) -> list[Request]:
    """Return what is asked, and say who paints regions where nobody was named."""
    from limn.studio.asking import requests

    result = requests(rows, asked, axes)
    if len(result[0].guide) > len(asked.get("guide", ())) and not any(axes):
        say(f"limn: regions are painted by {PAINTER}; change it with --guide {PAINTER}:option=value")
    return result


def _tell(rows: Sequence[Row], request: Request, *, normalise: bool) -> None:
    """Say which letters of the prompts are read as others, and which words the model never learned."""
    texts = dict.fromkeys(row["prompt"].text for row in rows)
    if normalise:
        for change in (change for text in texts for change in normalise_text(text).changes):
            say(f"limn: {change}")
    tell_unknown(texts, request)


def tell_unknown(texts: Iterable[str], request: Request) -> None:
    """Say which words a request's model never learned, and what they are, or could be, read as."""
    from limn.models import vocabulary
    from limn.models.adapters import taught

    learned = taught(request)
    if (known := vocabulary(request.model)) is None:
        return
    changes = dict.fromkeys(str(change) for text in dict.fromkeys(texts) for change in known(text, learned).replaced)
    for change in changes:
        say(f"limn: {change}" + ("" if request.familiar else " (--familiar reads it so)"))


def _larger(name: str, device: str) -> upscaling.Method:
    """Return how pictures are enlarged; an upsampler that is missing is found out before anything is drawn."""
    from limn import studio
    from limn.studio.upscaling import method

    return method(name, device=studio.check_device(device))


def _check_tracer(svg: bool) -> None:
    """Find out before anything is drawn whether the library that traces is missing."""
    if not svg:
        return
    from limn.studio.tracing import tracer

    tracer()


def _judge(rerank: int | None, judge: str | None) -> Encoder | None:
    """Return what reranks, if anything does; a judge that is missing is found out before anything is drawn."""
    from limn.models import dual_encoders
    from limn.studio.reranking import JUDGE

    if rerank is None and judge is not None:
        raise InputError("judge: ranks what --rerank draws; give that too, or leave this out")
    return dual_encoders.load(judge or JUDGE) if rerank is not None else None


def _engine(text: str, device: str, lean: bool) -> tuple[Cluster | None, str]:
    """Return what shares out the drawing, if anything does, and where this process works."""
    from limn import studio
    from limn.io.cluster import read_engine

    cluster = read_engine(text, device=device)
    if cluster and lean:
        raise InputError("drop_encoders: workers keep theirs for the next batch; leave it out with --engine ray")
    return cluster, "cpu" if cluster else studio.check_device(device)


def _use_threads(count: int | None) -> None:
    if count is not None:
        import torch

        torch.set_num_threads(count)
