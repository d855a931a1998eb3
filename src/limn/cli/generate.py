"""``limn generate``: draw what the prompts say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from limn.cli import drawing
from limn.cli.prompts import Line, given, side_by_side
from limn.kernel.prompt import Prompt

__all__ = ["OUT", "generate"]

OUT = Path("limn-runs")

Prompts = Annotated[
    list[str] | None, typer.Argument(help="What to draw; several prompts are drawn together.", show_default=False)
]
File = Annotated[Path | None, typer.Option(help="Prompts: text (one a line), .jsonl or .csv; - is text on stdin.")]
Count = Annotated[int, typer.Option("-n", help="Pictures for each prompt.")]
Seed = Annotated[int, typer.Option(help="Seed of each prompt's first picture; the next ones count on.")]
Steps = Annotated[int | None, typer.Option(help="Steps of the sampler.")]
Sampler = Annotated[str | None, typer.Option(help='Sampler with its options, as "ddim:eta=1".')]
Scale = Annotated[float | None, typer.Option(help="Guidance scale: how strictly the words are followed.")]
Negative = Annotated[str, typer.Option(help="What must not be seen.")]
Guide = Annotated[list[str] | None, typer.Option(help='A guidance, as "classifier_free:scale=3"; may be repeated.')]
Size = Annotated[str | None, typer.Option(help="Pixels, or width x height, as 64x96.")]
Style = Annotated[str | None, typer.Option(help="One of the model's styles (limn models).")]
Model = Annotated[str, typer.Option(help="A name (limn models), a model folder, or a safetensors file.")]
Out = Annotated[Path, typer.Option(help="The store that pictures go to.")]
Grid = Annotated[bool, typer.Option("--grid", help="Also write a contact sheet.")]
Explain = Annotated[bool, typer.Option("--explain", help="Say what was asked of the model at each step.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Show = Annotated[bool, typer.Option("--show", help="Draw the pictures in the terminal.")]
Device = Annotated[str, typer.Option(help="Where the model runs: cpu, cuda, cuda:1.")]
Batch = Annotated[int | None, typer.Option(help="Pictures drawn together.")]
Threads = Annotated[int | None, typer.Option(help="Threads of the processor.", min=1, max=1024)]


def generate(
    prompts: Prompts = None,
    prompts_file: File = None,
    n: Count = 1,
    seed: Seed = 0,
    steps: Steps = None,
    sampler: Sampler = None,
    scale: Scale = None,
    negative: Negative = "",
    guide: Guide = None,
    size: Size = None,
    style: Style = None,
    model: Model = "emoji",
    out: Out = OUT,
    grid: Grid = False,
    explain: Explain = False,
    json: Json = False,
    show: Show = False,
    device: Device = "cpu",
    batch: Batch = None,
    threads: Threads = None,
) -> None:
    """Draw pictures of what the prompts say, and print their files.

    The same command draws the same pictures; if it was stopped, it goes on where it stopped.
    """
    lines = given(prompts or [], prompts_file)
    sides = side_by_side(size) if size is not None else None
    from limn.store import Store

    store = Store(out)  # says at once, before anything slow, when nothing can be written there
    from limn import models, studio
    from limn.kernel.runner import Ledger

    studio.check_room(out, n * len(lines), sides or (64, 64))
    if threads is not None:
        _use_threads(threads)
    generator = models.load(model, device=studio.check_device(device))
    options = {"n": n, "steps": steps, "size": sides, "sampler": sampler, "style": style}
    requests = [
        generator.request(
            texts,
            seed=seed if own_seed is None else own_seed,
            guidance=studio.guidances(
                generator, scale=scale, negative=negative if against is None else against, extra=guide or []
            ),
            **options,  # type: ignore[arg-type]
        )
        for (own_seed, against), texts in _grouped(lines).items()
    ]
    ledger = Ledger()
    outcomes = drawing.draw(generator, requests, store, device=device, batch=batch, ledger=ledger)
    if explain:
        drawing.explain(ledger)
    drawing.report(outcomes, show=show, grid=grid, json=json)
    if any(each.failed for each in outcomes):
        raise typer.Exit(1)


def _grouped(lines: Sequence[Line]) -> dict[tuple[int | None, str | None], list[Prompt]]:
    """Gather prompts that share seed and negative prompt into one request each, in order."""
    groups: dict[tuple[int | None, str | None], list[Prompt]] = {}
    for line in lines:
        groups.setdefault((line.seed, line.negative), []).append(line.prompt)
    return groups


def _use_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)
