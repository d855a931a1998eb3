"""``limn pull``: get a model from a hub, once it is known how large it is and that it fits."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from limn.cli import console
from limn.kernel.errors import InputError

Name = Annotated[
    str, typer.Argument(help="OWNER/NAME, or OWNER/NAME/FILE, perhaps with @REVISION.", show_default=False)
]
Variant = Annotated[str, typer.Option(help="Which weights, where there are several: fp16, bf16, non_ema.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def pull(model: Name, *, variant: Variant = "", yes: Yes = False) -> None:
    """Download a model or an adapter: safetensors, configurations and tokenizers, nothing else.

    HF_HOME or HF_HUB_CACHE say where it goes, HF_ENDPOINT from which hub it comes, as for other programs.
    A download that was stopped goes on.
    """
    from limn.models import memory, pulling
    from limn.models.locating import cache

    wanted = pulling.look(model, variant)
    missing, here, room = wanted.missing, memory.free(), _room(cache())
    console.say(
        f"limn: {wanted.name} at {wanted.commit[:12]}: {len(wanted.sizes)} files, {memory.said(wanted.size)}, "
        f"{memory.said(missing)} of it to be downloaded; {wanted.left} others left out; licence: {wanted.licence}"
    )
    loose = [name for name in wanted.sizes if name.endswith(".safetensors") and "/" not in name]
    if len(loose) > 1 and not {"config.json", "model_index.json"} & set(wanted.sizes):
        console.say(f"limn: {len(loose)} files of weights; limn pull {wanted.name}/{loose[0]} gets one alone")
    if missing > room:
        raise InputError(f"pull: {memory.said(missing)} do not fit on the disk ({memory.said(room)} are free)")
    if here is not None:
        fits = "fit into" if wanted.weights < here else "do not fit into"
        text = f"its weights, {memory.said(wanted.weights)} in their files, {fits} the {memory.said(here)} of memory"
        console.say(f"limn: {text} that are free")
    if missing and not yes and not typer.confirm("Download?", err=True):
        raise typer.Exit(1)
    done = 0
    with console.Meter("bytes") as meter:
        for _, size in pulling.pull(wanted):
            done += size
            meter.at(done, wanted.size)
    console.result("/".join(filter(None, (wanted.name, wanted.inside))) + f"@{wanted.commit}")


def _room(folder: Path) -> int:
    """Return the bytes that are free where a folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
