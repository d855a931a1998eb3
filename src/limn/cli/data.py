"""``limn data``: pictures with words to train on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from limn.cli import console
from limn.io.files import read_bounded, sha256_of
from limn.kernel.errors import DataError, InputError, unknown_name

WORLDS = {
    "pictograms": "emoji in four drawing styles with captions; built once from pinned npm packages",
    "toys3d": "toys in three dimensions from many sides, with captions, masks and depths; drawn once",
    "cifar10": "60,000 photos of ten classes at 32 pixels; built once from a pinned npm package",
    "shapes": "coloured shapes and person tiles, drawn on the fly; nothing to build",
}

app = typer.Typer(name="data", help="Build, list and check data sets.", rich_markup_mode=None, no_args_is_help=True)

Folder = Annotated[Path | None, typer.Option(help="Where the data set goes; data/WORLD if left out.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="A set, as noto or blob; may be repeated. Four if left out.")
]
Side = Annotated[int | None, typer.Option(help="Side of the pictures in pixels (64).")]
Toys = Annotated[int | None, typer.Option(help="Toys to learn from (1200); of toys3d.")]
Views = Annotated[int | None, typer.Option(help="Views of each toy (12); of toys3d.")]
Tarballs = Annotated[Path | None, typer.Option(help="A folder with the packages, instead of fetching them.")]


@app.command("build")
def build(
    world: Annotated[str, typer.Argument(help="Which world (limn data list).")] = "pictograms",
    out: Folder = None,
    sets: Sets = None,
    size: Side = None,
    tarballs: Tarballs = None,
    toys: Toys = None,
    views: Views = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that limn did not write.")] = False,
) -> None:
    """Fetch, draw and pack a data set; what is built already is left alone, and a set that fails is reported."""
    own: dict[str, dict[str, Any]] = {
        "pictograms": {"set": sets, "tarballs": tarballs, "size": size},
        "toys3d": {"toys": toys, "views": views, "size": size},
        "cifar10": {"tarballs": tarballs},
    }
    if world not in own:
        raise unknown_name("world to build", world, list(own))
    for other in own.keys() - {world}:
        for name, value in own[other].items():
            if value is not None and name not in own[world]:
                raise InputError(f"{name}: is of the world {other}; leave it out for {world}")
    out = out or Path("data") / world
    if world != "pictograms":
        given = {name: value for name, value in own[world].items() if value is not None}
        {"toys3d": _toys, "cifar10": _cifar10}[world](out, force=force, **given)
        return
    from limn.data import pictograms

    failed = 0
    chosen: dict[str, Any] = {"sets": sets} if sets else {}
    chosen |= {} if size is None else {"size": size}
    with console.Meter("pictures") as meter:
        stage = ""
        for event in pictograms.build(out, tarballs=tarballs, force=force, **chosen):
            if event.stage != stage:
                stage = event.stage
                meter.restart()
            failed += event.note.startswith("failed")
            if event.note:
                meter.say(f"limn: {event.stage}: {event.note}")
            if event.total:
                meter.at(event.done, event.total, event.stage)
    console.result(out)
    if failed:
        raise typer.Exit(1)


def _toys(out: Path, **how: Any) -> None:
    from limn.data.toys3d import dataset

    with console.Meter("toys") as meter:
        for done, total in dataset.build(out, **how):
            meter.at(done, total, "toys3d")
    console.result(out)


def _cifar10(out: Path, **how: Any) -> None:
    from limn.data import cifar10

    with console.Meter("pictures") as meter:
        stage = ""
        for split, done, total in cifar10.build(out, **how):
            if split != stage:
                stage = split
                meter.restart()
            meter.at(done, total, split)
    console.result(out)


@app.command("list")
def list_worlds() -> None:
    """List the worlds of data and the packages that pictograms are built from."""
    from limn.data.sets import SETS

    console.table(["world", "what it is"], WORLDS.items())
    packages = ((name, pictures.package) for name, pictures in SETS.items())
    rows = [(name, f"{pack.name} {pack.version}", pack.licence, pack.author) for name, pack in packages]
    console.table(["set", "package", "licence", "author"], rows)


@app.command("check")
def check(folder: Annotated[Path, typer.Argument(help="What limn data build wrote.")]) -> None:
    """Compare a built data set with its manifest."""
    wrong = 0
    for name, content, flaw in _checked(folder):
        wrong += bool(flaw)
        console.result(f"{name}: {flaw or content}")
    if wrong:
        raise typer.Exit(1)


def _checked(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Give each set's name, what it holds, and what is wrong with it."""
    for name, entry in _manifest(folder).items():
        path = folder / str(entry.get("file", f"{name}.parquet"))
        if "sha256" not in entry:
            yield name, "", f"was not built: {entry.get('error', 'no reason noted')}"
        elif not path.is_file():
            yield name, "", "its file is missing; build it again"
        elif sha256_of(path) != entry["sha256"]:
            yield name, "", "its file differs from the manifest; build it again"
        else:
            yield name, f"{entry.get('pictures')} pictures, as built", ""


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / "manifest.json"
    try:
        sets = json.loads(read_bounded(path, 2**24, "build it again", error=DataError))["sets"]
        return {str(name): dict(entry) for name, entry in sets.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{path}: cannot be read; name a folder that limn data build wrote") from None
