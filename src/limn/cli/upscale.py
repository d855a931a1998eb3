"""``limn upscale``: larger copies of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limn.cli import console
from limn.cli.drawing import shown
from limn.cli.options import Mark, Sign

Files = Annotated[list[Path], typer.Argument(help="Pictures: PNG, JPEG or WebP.", show_default=False)]
Method = Annotated[str, typer.Option(help="How to enlarge: learned or lanczos.")]
Model = Annotated[str, typer.Option(help="The learned upsampler: a name or a folder.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite another file of the copy's name.")]
Device = Annotated[str, typer.Option(help="Where the upsampler runs: cpu, cuda, cuda:1.")]


def upscale(
    files: Files,
    method: Method = "learned",
    model: Model = "upsampler",
    force: Force = False,
    no_mark: Mark = False,
    no_sign: Sign = False,
    device: Device = "cpu",
) -> None:
    """Enlarge pictures four times, each beside its file as NAME-x4.png, and print the files.

    A copy that was made just so is kept.
    """
    from limn import studio
    from limn.provenance.seal import Seal
    from limn.studio import upscaling

    seal = Seal(mark=not no_mark, sign=not no_sign)
    how = upscaling.method(method, model=model, device=studio.check_device(device))
    for file in files:
        copy = upscaling.upscale(file, how, replace=force, seal=seal)
        if copy.kept:
            console.say(f"limn: {copy.path.name} existed")
        console.result(shown(copy.path))
