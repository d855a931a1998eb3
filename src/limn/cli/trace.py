"""``limn trace``: vector files of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limn.cli import console
from limn.cli.drawing import shown
from limn.cli.options import Device, Sign

Files = Annotated[list[Path], typer.Argument(help="Pictures: PNG, JPEG or WebP.", show_default=False)]
How = Annotated[str, typer.Option(help="How small pictures are enlarged first: learned or lanczos.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite another file of the copy's name.")]


def trace(
    files: Files, method: How = "learned", force: Force = False, no_sign: Sign = False, device: Device = "cpu"
) -> None:
    """Trace each picture into an SVG beside its file, as NAME.svg, and print the files.

    Pictures below 512 pixels are enlarged first; a white ground becomes transparent. A copy that was made just so is
    kept. Copies of what limn drew are signed; those of other pictures are not.
    """
    from limn import studio
    from limn.provenance.seal import Seal
    from limn.studio import tracing, upscaling

    tracing.tracer()
    larger = upscaling.method(method, device=studio.check_device(device))
    seal = Seal(sign=not no_sign)
    for file in files:
        copy = tracing.trace(file, larger, replace=force, seal=seal)
        if copy.kept:
            console.say(f"limn: {copy.path.name} existed")
        console.result(shown(copy.path))
