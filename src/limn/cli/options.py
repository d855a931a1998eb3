"""Options that verbs share: those of a request, made of its fields, and those that say how to draw and show."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from limn.kernel import request
from limn.kernel.options import Option

OUT = Path("limn-runs")

Out = Annotated[Path, typer.Option(help="The store that pictures go to.")]
Sheet = Annotated[bool, typer.Option("--grid", help="Also write a contact sheet.")]
Explain = Annotated[bool, typer.Option("--explain", help="Say what was asked of the model at each step.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Show = Annotated[bool, typer.Option("--show", help="Draw the pictures in the terminal.")]
Device = Annotated[str, typer.Option(help="Where the model runs: cpu, cuda, cuda:1.")]
Batch = Annotated[int | None, typer.Option(help="Pictures drawn together.")]
Lean = Annotated[bool, typer.Option("--drop-encoders", help="Drop text encoders from memory once prompts are read.")]
Engine = Annotated[str, typer.Option(help="Who draws: local, or ray, also as ray:workers=4 (docs/how-to/scale.md).")]
Rows = Annotated[int | None, typer.Option(help="Most rows in one forward pass, when memory is short.", min=1)]
Mark = Annotated[bool, typer.Option("--no-mark", help="Leave out the invisible mark; the record says so.")]
Turntable = Annotated[
    Path | None, typer.Option(help="Also write a thing in three dimensions from all sides: an animated .webp.")
]
Mesh = Annotated[Path | None, typer.Option(help="Also write such a thing as a mesh: a .glb file.")]
Depth = Annotated[bool, typer.Option("--depth", help="Also write how far such a thing is: a PNG, 1000 to 1.")]
Sign = Annotated[bool, typer.Option("--no-sign", help="Leave out the signed credential; the record says so.")]
Method = Annotated[str, typer.Option(help="How --upscale and --svg enlarge: learned or lanczos.")]
Threads = Annotated[int | None, typer.Option(help="Threads of the processor.", min=1, max=1024)]


def drawing_options(*, only: Iterable[str] = (), without: Iterable[str] = ()) -> Callable[..., Callable[..., None]]:
    """Give a verb, all of whose parameters are keywords, the options of a request in place of its ``asked``.

    Args:
        only: Names of the options wanted; all when empty.
        without: Names of options left out.

    Returns:
        A decorator; the verb gets those options that a person gave as a mapping ``asked``.
    """
    chosen = {
        name: option
        for name, option in request.options().items()
        if (not only or name in only) and name not in without
    }

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(verb, eval_str=True).parameters
        keyword = inspect.Parameter.KEYWORD_ONLY
        made = [
            inspect.Parameter(name, keyword, default=None, annotation=_kind(name, option))
            for name, option in chosen.items()
        ]
        parameters = [part for name, value in own.items() for part in (made if name == "asked" else [value])]

        @functools.wraps(verb)
        def call(**given: Any) -> None:
            values = {name: given.pop(name) for name in chosen}
            asked = {name: value for name, value in values.items() if value is not None and value != []}
            verb(asked=asked, **given)

        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {}
        return call

    return decorate


def _kind(name: str, option: Option) -> Any:
    flags = [option.flag or f"--{name.replace('_', '-')}"]
    kind: Any = list[option.kind] if option.many else option.kind  # type: ignore[name-defined]
    return Annotated[kind | None, typer.Option(*flags, help=option.about)]
