"""``limn generate``: draw what the prompts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import drawing
from limn.cli.console import say
from limn.cli.prompts import Line, given, side_by_side
from limn.cli.regions import place, regions
from limn.cli.request_file import merged
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.text.homoglyphs import normalise as normalise_text

if TYPE_CHECKING:
    from limn.studio import Axis, Draft, upscaling

__all__ = ["OUT", "generate", "tell_unknown"]

OUT = Path("limn-runs")
PAINTER = "paint_with_words"

Prompts = Annotated[
    list[str] | None, typer.Argument(help="What to draw; several prompts are drawn together.", show_default=False)
]
File = Annotated[Path | None, typer.Option(help="Prompts: text (one a line), .jsonl or .csv; - is text on stdin.")]
RequestFile = Annotated[
    Path | None, typer.Option("--request", help="These options as TOML; what is given here takes their place.")
]
Count = Annotated[int | None, typer.Option("-n", help="Pictures for each prompt; one unless given.")]
Seed = Annotated[
    int | None, typer.Option(help="Seed of each prompt's first picture, 0 unless given; the next ones count on.")
]
Steps = Annotated[int | None, typer.Option(help="Steps of the sampler.")]
Sampler = Annotated[str | None, typer.Option(help='Sampler with its options, as "ddim:eta=1".')]
Scale = Annotated[float | None, typer.Option(help="Guidance scale: how strictly the words are followed.")]
Negative = Annotated[str | None, typer.Option(help="What must not be seen.")]
Guide = Annotated[
    list[str] | None,
    typer.Option(help='A guidance (limn guide list), as "classifier_free:scale=3"; may be repeated.'),
]
Painting = Annotated[
    Path | None, typer.Option("--regions", help="A painting (PNG) whose colours say where words belong.")
]
Places = Annotated[
    list[str] | None,
    typer.Option(
        "--region", help='Words of the prompt by colour, "#ff0000=a heart", or box, "0,0,0.5,1=a cat@0.5".'
    ),
]
Size = Annotated[str | None, typer.Option(help="Pixels, or width x height, as 64x96.")]
Style = Annotated[str | None, typer.Option(help="One of the model's styles (limn models).")]
Normalise = Annotated[
    bool | None,
    typer.Option("--normalise", help="Read letters that only look Latin, in words with Latin ones, as Latin."),
]
Familiar = Annotated[
    bool | None,
    typer.Option("--familiar", help="Read words that the model never learned as the nearest thing that it did."),
]
Model = Annotated[
    str | None,
    typer.Option(help="A name (limn models; emoji unless given), a model folder, or a safetensors file."),
]
Out = Annotated[Path, typer.Option(help="The store that pictures go to.")]
Sheet = Annotated[bool, typer.Option("--grid", help="Also write a contact sheet.")]
Across = Annotated[
    str | None, typer.Option("--grid-x", help='Values from left to right: "scale=1,3,5", "guide=NAME:option=a,b".')
]
Down = Annotated[str | None, typer.Option("--grid-y", help="Values from top to bottom.")]
Explain = Annotated[bool, typer.Option("--explain", help="Say what was asked of the model at each step.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Show = Annotated[bool, typer.Option("--show", help="Draw the pictures in the terminal.")]
Device = Annotated[str, typer.Option(help="Where the model runs: cpu, cuda, cuda:1.")]
Batch = Annotated[int | None, typer.Option(help="Pictures drawn together.")]
Rows = Annotated[int | None, typer.Option(help="Most rows in one forward pass, when memory is short.", min=1)]
Rerank = Annotated[
    int | None, typer.Option(help="Draw this many for each picture and keep those a judge finds nearest.", min=1)
]
Judge = Annotated[str | None, typer.Option(help="The dual encoder that reranks: a name or a folder (judge_a).")]
Upscale = Annotated[bool, typer.Option("--upscale", help="Also write a copy of each picture, four times as large.")]
Method = Annotated[str, typer.Option(help="How --upscale enlarges: learned or lanczos.")]
Threads = Annotated[int | None, typer.Option(help="Threads of the processor.", min=1, max=1024)]


def generate(
    prompts: Prompts = None,
    prompts_file: File = None,
    request: RequestFile = None,
    n: Count = None,
    seed: Seed = None,
    steps: Steps = None,
    sampler: Sampler = None,
    scale: Scale = None,
    negative: Negative = None,
    guide: Guide = None,
    painting: Painting = None,
    region: Places = None,
    size: Size = None,
    style: Style = None,
    normalise: Normalise = None,
    familiar: Familiar = None,
    model: Model = None,
    out: Out = OUT,
    grid: Sheet = False,
    grid_x: Across = None,
    grid_y: Down = None,
    explain: Explain = False,
    json: Json = False,
    show: Show = False,
    device: Device = "cpu",
    batch: Batch = None,
    max_rows: Rows = None,
    rerank: Rerank = None,
    judge: Judge = None,
    upscale: Upscale = False,
    method: Method = "learned",
    threads: Threads = None,
) -> None:
    """Draw pictures of what the prompts say, and print their files.

    The same command draws the same pictures; if it was stopped, it goes on where it stopped.
    """
    options = {"n": n, "seed": seed, "steps": steps, "size": size, "sampler": sampler, "style": style}
    options |= {"normalise": normalise, "familiar": familiar, "model": model}
    steering = {"scale": scale, "negative": negative, "guidance": guide, "regions": painting, "region": region}
    asked = merged(request, {"prompts": prompts, **options, **steering})
    keep, texts = asked.get("n", 1), asked.pop("prompts", [])
    asked["n"] = keep * (rerank or 1)
    lines = given(prompts or [] if prompts_file else texts, prompts_file)
    name, fields = asked.pop("model", "emoji"), _fields(asked)
    if fields.get("normalise"):
        _tell_changes(lines)
    tell_unknown((line.prompt.text for line in lines), name, familiar=bool(fields.get("familiar")))
    from limn.store import Store

    store = Store(out)  # says at once, before anything slow, when nothing can be written there
    from limn import models, studio

    axes = [studio.Axis.parse(each) if each is not None else None for each in (grid_x, grid_y)]
    drafts = _drafts(lines, fields, axes)
    studio.check_room(out, sum(each.n * len(each.prompts) for each in drafts), fields.get("size") or (64, 64))
    if threads is not None:
        _use_threads(threads)
    larger = _larger(method, device) if upscale else None
    generator = models.load(name, device=studio.check_device(device))
    requests = [draft.request(generator) for draft in drafts]
    outcomes = drawing.draw(generator, requests, store, device=device, batch=batch, max_rows=max_rows)
    if explain:
        drawing.explain(outcomes)
    if rerank is not None:
        drawing.rerank(outcomes, keep, judge)
    if larger is not None:
        drawing.enlarge(outcomes, larger)
    labelled = drawing.labelled(outcomes, store, axes) if any(axes) else None
    drawing.report(outcomes, show=show, grid=grid, json=json, labelled=labelled)
    if any(each.failed for each in outcomes):
        raise typer.Exit(1)


def _fields(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all drafts have in common; regions bring their guidance with them when it is not given."""
    fields = {name: value for name, value in asked.items() if name not in ("region", "regions")}
    if "size" in fields:
        fields["size"] = side_by_side(fields["size"])
    places = regions([place(each) for each in asked.get("region", [])], asked.get("regions"))
    guides = tuple(fields.get("guidance", ()))
    if places and not any(_name(each) == PAINTER for each in guides):
        guides = (*guides, PAINTER)
        say(f"limn: regions are painted by {PAINTER}; change it with --guide {PAINTER}:option=value")
    return {**fields, "guidance": guides, "regions": places}


def _tell_changes(lines: Sequence[Line]) -> None:
    """Say which letters of the prompts are read as others."""
    for text in dict.fromkeys(line.prompt.text for line in lines):
        for change in normalise_text(text).changes:
            say(f"limn: {change}")


def tell_unknown(texts: Iterable[str], model: str, *, familiar: bool) -> None:
    """Say which words a model never learned, and what they are, or could be, read as."""
    from limn.models import vocabulary

    if (known := vocabulary(model)) is None:
        return
    told = dict.fromkeys(str(each) for text in dict.fromkeys(texts) for each in known(text).replaced)
    for each in told:
        say(f"limn: {each}" + ("" if familiar else " (--familiar reads it so)"))


def _name(guide: str | Mapping[str, Any]) -> str:
    return guide.partition(":")[0].strip() if isinstance(guide, str) else str(guide.get("name"))


def _drafts(lines: Sequence[Line], fields: Mapping[str, Any], axes: Sequence[Axis | None]) -> list[Draft]:
    """Gather prompts that share seed and negative prompt into one draft each, in order; or make those of a grid."""
    from limn import studio

    groups: dict[tuple[int | None, str | None], list[Prompt]] = {}
    for line in lines:
        groups.setdefault((line.seed, line.negative), []).append(line.prompt)
    drafts = []
    for (seed, negative), prompts in groups.items():
        own = {name: value for name, value in (("seed", seed), ("negative", negative)) if value is not None}
        drafts.append(studio.Draft(prompts=tuple(prompts), **{**fields, **own}))
    if any(axes):
        if len(drafts) > 1:
            raise InputError("grid: the prompts have seeds or negative prompts of their own; give one for all")
        drafts = studio.cells(drafts[0], *axes)
    studio.check_regions(drafts)
    return drafts


def _larger(name: str, device: str) -> upscaling.Method:
    """Return how pictures are enlarged; an upsampler that is missing is found out before anything is drawn."""
    from limn import studio
    from limn.studio.upscaling import method

    return method(name, device=studio.check_device(device))


def _use_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)
