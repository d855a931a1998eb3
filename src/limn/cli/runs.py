"""``limn runs``: what was drawn, and drawing it again."""

from __future__ import annotations

import json as json_text
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import console
from limn.cli.drawing import shown
from limn.cli.options import OUT
from limn.io.targets import keep_foreign
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.store import Store
    from limn.studio import Replay

app = typer.Typer(
    name="runs",
    help="List, show, open, replay, repair and import what was drawn.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option(help="The store.")]
Run = Annotated[str, typer.Argument(help="How a run's key begins, or one of its pictures.")]
Files = Annotated[list[Path], typer.Argument(help="Pictures that limn drew.")]


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 20,
    search: Annotated[str, typer.Option(help="Words of the prompts or the model.")] = "",
    out: Out = OUT,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List runs, newest first."""
    store = _store(out)
    runs = store.runs(limit=limit, search=search or None)
    for path in store.linked():
        console.say(f"limn: {path} is a link, which limn does not follow; its runs are left out")
    if json:
        print(json_text.dumps([{**vars(run), "folder": str(run.folder)} for run in runs], indent=2))
        return
    rows = [
        (
            run.key[:12],
            run.created[:16].replace("T", " "),
            run.model,
            f"{run.drawn}/{run.total}",
            run.problem or ("" if run.finished else "not finished"),
            run.prompt,
        )
        for run in runs
    ]
    console.table(["run", "created", "model", "pictures", "state", "prompt"], rows)


@app.command("show")
def show(run: Run, out: Out = OUT) -> None:
    """Print the record of a run or of a picture as JSON."""
    print(json_text.dumps(record_of(run, out), indent=2))


@app.command("open")
def open_run(run: Run, out: Out = OUT) -> None:
    """Open a run's folder, or a picture, with the system's viewer; where there is none, print the path."""
    path = Path(run) if Path(run).is_file() else _store(out).find(run).folder
    opener = {"darwin": "open", "win32": "explorer"}.get(sys.platform, "xdg-open")
    has_screen = sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if has_screen and shutil.which(opener):
        import subprocess

        subprocess.Popen([opener, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    console.result(shown(path))


@app.command("replay")
def replay(
    files: Files,
    model: Annotated[str | None, typer.Option(help="Where the model is now, if not where the record says.")] = None,
    device: Annotated[str | None, typer.Option(help="Where the model runs; as recorded if left out.")] = None,
    save: Annotated[Path | None, typer.Option(help="Also write the picture as drawn now to this PNG.")] = None,
    batch: Annotated[
        int | None, typer.Option(help="Largest batch that a record may ask for, if a large one.", min=1)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --save replace a file.")] = False,
) -> None:
    """Draw pictures again from their own records, and compare them with the files bit by bit."""
    from limn import models, studio
    from limn.store import write_png

    if save is not None and len(files) > 1:
        raise InputError("save: takes one picture; replay the files one at a time")
    if save is not None:
        keep_foreign([save], force=force)
    same = True
    for path in files:
        with console.Meter("pictures") as meter:
            for event in studio.replay(path, models.load, model=model, device=device, most=batch):
                if isinstance(event, studio.Replay):
                    result = event
                else:
                    meter.at(event.step / (event.steps + 1), 1)
        same = same and result.same
        console.result(f"{path}: {_verdict(result)}")
        if save is not None:
            write_png(save, result.picture.pixels, {"replay_of": str(path)})
    if not same:
        raise typer.Exit(1)


@app.command("import")
def import_request(
    file: Annotated[Path, typer.Argument(help="A picture by A1111, ComfyUI, InvokeAI or what writes as they do.")],
) -> None:
    """Print the nearest request to how another tool drew a picture, for limn generate --request."""
    from limn.studio.importing import imported

    result = imported(file)
    for note in result.notes:
        console.say(f"limn: {note}")
    console.result(result.toml().rstrip("\n"))


@app.command("repair")
def repair(out: Out = OUT) -> None:
    """Check every file of a store, put damaged ones aside, and build its index anew."""
    report = _store(out, write=True).repair()
    for damage in report.damages:
        moved = f"; now at {damage.moved}" if damage.moved else ""
        console.result(f"{damage.path}: {damage.reason}{moved}")
    for key in report.busy:
        console.say(f"limn: run {key[:12]} is being written and was left alone")
    console.result(f"{report.runs} runs, {report.pictures} sound pictures, {len(report.damages)} damages")


def _store(out: Path, *, write: bool = False) -> Store:
    from limn.store import Store

    if not out.expanduser().exists():
        raise InputError(f"{out}: no store is here; name one with --out, or draw something first")
    return Store(out, write=write)


def record_of(run: str, out: Path) -> dict[str, Any]:
    """Return the record of a picture, or of a run in a store.

    Raises:
        InputError: If there is no such run or picture.
    """
    from limn.store import read_record

    if Path(run).is_file():
        return read_record(Path(run))
    store = _store(out)
    info = store.find(run)
    kept = store.load(info.key)
    return kept.record or {"key": info.key, "finished": None, "drawn": info.drawn, "request": kept.request}


def _verdict(result: Replay) -> str:
    if result.picture.flaw:
        return f"cannot be drawn again: {result.picture.flaw}"
    causes = f"; {'; '.join(result.causes)}" if result.causes else ""
    if result.same:
        return f"identical to the last bit{causes}"
    height, width = result.picture.pixels.shape[:2]
    return f"largest difference {result.largest}/255, in {result.changed} of {height * width} pixels{causes}"
