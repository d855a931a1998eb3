"""Drawing on the command line: progress while it lasts, results when it is done."""

from __future__ import annotations

import json as json_text
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from limn.cli import console, interrupts
from limn.cli.explaining import explained

if TYPE_CHECKING:
    from limn.io.cluster import Cluster
    from limn.kernel.generator import Generator
    from limn.kernel.request import Request
    from limn.kernel.runner import Ledger
    from limn.models.dual_encoders import Encoder
    from limn.provenance.seal import Seal
    from limn.store import Store
    from limn.studio import Axis, Event
    from limn.studio.objects import Wanted
    from limn.studio.upscaling import Method


def _new_ledger() -> Ledger:
    from limn.kernel.runner import Ledger

    return Ledger()


@dataclass
class Outcome:
    """What has come of one request so far.

    Args:
        request: What was asked.
        folder: Where its pictures are.
        pictures: Files by index.
        larger: Files of larger copies by index.
        vectors: Files of traced copies by index.
        objects: Files of turntables, meshes and distances by index, by what they are.
        failed: Reasons by index.
        kept: How many of the pictures existed.
        seconds: Time taken.
        ledger: What was asked of the model.
    """

    request: Request
    folder: Path = Path()
    pictures: dict[int, Path] = field(default_factory=dict)
    larger: dict[int, Path] = field(default_factory=dict)
    vectors: dict[int, Path] = field(default_factory=dict)
    objects: dict[int, dict[str, Path]] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    kept: int = 0
    seconds: float = 0.0
    ledger: Ledger = field(default_factory=_new_ledger)

    def record(self) -> dict[str, Any]:
        """Return the outcome as JSON-ready data."""
        items = self.request.items()

        def about(index: int) -> dict[str, Any]:
            return {"index": index, "prompt": items[index].prompt.text, "seed": items[index].seed}

        def files(index: int) -> dict[str, str]:
            copies = {"larger": self.larger, "svg": self.vectors}
            beside = {name: str(paths[index]) for name, paths in copies.items() if index in paths}
            beside |= {name: str(path) for name, path in self.objects.get(index, {}).items()}
            return {"path": str(self.pictures[index]), **beside}

        return {
            "key": self.request.key(),
            "folder": str(self.folder),
            "pictures": [{**about(index), **files(index)} for index in sorted(self.pictures)],
            "failed": [{**about(index), "reason": why} for index, why in sorted(self.failed.items())],
            "kept": self.kept,
            "seconds": round(self.seconds, 3),
        }


def draw(
    generator: Generator,
    requests: Sequence[Request],
    store: Store,
    *,
    device: str,
    batch: int | None = None,
    max_rows: int | None = None,
    seal: Seal | None = None,
    lean: bool = False,
    engine: Cluster | None = None,
) -> list[Outcome]:
    """Draw requests one after another, with progress on stderr."""
    from limn import studio

    if lean:
        generator.drop_encoders()
    outcomes = [Outcome(request) for request in requests]
    total, done = sum(request.n * len(request.prompts) for request in requests), 0
    interrupts.on_stop(
        lambda: (
            f"{sum(len(outcome.pictures) for outcome in outcomes)} of {total} pictures are kept in {store.root}; "
            "the same command goes on with the rest"
        )
    )
    with console.Meter("pictures") as meter:
        for outcome in outcomes:
            known = set[str]()
            events = studio.generate(
                generator, outcome.request, store,
                device=device, batch=batch, max_rows=max_rows, ledger=outcome.ledger,
                seal=seal, engine=engine,
            )  # fmt: skip
            for event in events:
                part = _note(event, outcome)
                done += isinstance(event, studio.Kept | studio.Drawn | studio.Failed)
                if isinstance(event, studio.Halved):
                    meter.say(f"limn: memory ran out; going on with {event.batch} pictures together")
                if isinstance(event, studio.Started):
                    meter.kept += event.kept
                for text in outcome.ledger.unread.keys() - known:
                    known.add(text)
                    meter.say(too_long(text, outcome.ledger.unread[text]))
                meter.at(done + part, total)
            for text in _never_asked(outcome):
                meter.say(f"limn: {text[:60]!r} was never asked: guidance is off at this scale")
    return outcomes


def too_long(text: str, unread: str) -> str:
    """Say what of a text was not read."""
    return f"limn: {text[:40]!r}... is too long for this model; not read: {unread[:60]!r}"


def _never_asked(outcome: Outcome) -> list[str]:
    """Return the negative prompts that drew nothing away."""
    asked = {branch.prompt.text for branches in outcome.ledger.branches.values() for branch in branches.values()}
    against = [str(getattr(part, "against", "") or "") for part in outcome.request.guidance or ()]
    return [text for text in against if asked and text and text not in asked]


def labelled(outcomes: Sequence[Outcome], store: Store, axes: Sequence[Axis | None], seal: Seal) -> Path:
    """Write the labelled sheet of a grid whose cells these outcomes are, row by row, and return its file."""
    from limn import studio

    files = [[path for _, path in sorted(outcome.pictures.items())] for outcome in outcomes]
    return studio.compose(store, files, *axes, seal=seal)


def report(
    outcomes: Sequence[Outcome],
    *,
    show: bool,
    grid: bool,
    json: bool,
    labelled: Path | None = None,
    seal: Seal | None = None,
) -> None:
    """Print what was drawn: files or JSON on stdout, everything else on stderr."""
    from limn import studio

    records, files = [], []
    for outcome in outcomes:
        items = outcome.request.items()
        for index, reason in sorted(outcome.failed.items()):
            item = items[index]
            console.say(
                f"limn: picture {index} ({item.prompt.text[:60]!r}, seed {item.seed}) was not saved: {reason}"
            )
        paths = [path for _, path in sorted(outcome.pictures.items())]
        files += [
            *paths,
            *(path for copies in (outcome.larger, outcome.vectors) for _, path in sorted(copies.items())),
            *(path for _, beside in sorted(outcome.objects.items()) for path in beside.values()),
        ]
        records.append(outcome.record())
        if show:
            for path in paths:
                console.picture(path)
        if grid and paths:
            files.append(studio.sheet(outcome.folder, paths, seal))
            records[-1]["grid"] = str(files[-1])
    console.say(_summary(outcomes))
    if json:
        print(json_text.dumps({"runs": records, **({"grid": str(labelled)} if labelled else {})}, indent=2))
    else:
        files += [labelled] if labelled else []
        for path in files:
            console.result(shown(path))


def rerank(outcomes: Sequence[Outcome], keep: int, by: Encoder) -> None:
    """Leave in each outcome the pictures that a judge finds nearest to their words; the others stay on the disk."""
    from limn.studio.reranking import best

    for outcome in outcomes:
        drawn = len(outcome.pictures)
        outcome.pictures = best(outcome.pictures, outcome.request, keep, by=by)
        console.say(f"limn: kept {len(outcome.pictures)} of {drawn} by {by.name}")


def enlarge(outcomes: Sequence[Outcome], how: Method, seal: Seal | None = None) -> None:
    """Write a larger copy beside each picture."""
    from limn.studio.upscaling import upscale

    for outcome in outcomes:
        outcome.larger = {
            index: upscale(path, how, replace=True, seal=seal).path
            for index, path in sorted(outcome.pictures.items())
        }


def vectorise(outcomes: Sequence[Outcome], larger: Method, seal: Seal | None = None) -> None:
    """Trace an SVG beside each picture."""
    from limn.studio.tracing import trace

    for outcome in outcomes:
        outcome.vectors = {
            index: trace(path, larger, replace=True, seal=seal).path
            for index, path in sorted(outcome.pictures.items())
        }


def objects(
    generator: Generator, turntable: Path | None, mesh: Path | None, depth: bool, count: int
) -> Wanted | None:
    """Return what is written of things in three dimensions; what cannot be is found out before anything is drawn."""
    if turntable is None and mesh is None and not depth:
        return None
    from limn.studio.objects import Wanted

    wanted = Wanted(turntable=turntable, mesh=mesh, depth=depth)
    wanted.check(generator, count)
    return wanted


def solids(
    outcomes: Sequence[Outcome],
    generator: Generator,
    wanted: Wanted,
    *,
    batch: int | None,
    max_rows: int | None,
    seal: Seal | None = None,
) -> None:
    """Write turntables, meshes and distances of the things that were drawn."""
    from limn.studio.objects import codes, write

    count, place = sum(len(outcome.pictures) for outcome in outcomes), 0
    for outcome in outcomes:
        found = codes(generator, outcome.request, set(outcome.pictures), batch=batch, max_rows=max_rows)
        for index, path in sorted(outcome.pictures.items()):
            outcome.objects[index] = write(
                generator, outcome.request, found[index], wanted, path, place, count, seal
            )
            place += 1


def explain(outcomes: Sequence[Outcome]) -> None:
    """Print what was asked of the model for each request, and how many forwards that took."""
    asked = [outcome for outcome in outcomes if outcome.ledger.forwards]
    if not asked:
        console.say("nothing was asked of the model: every picture existed")
    for outcome in asked:
        if len(outcomes) > 1:
            console.say(f"{outcome.folder.name[:12]}: {outcome.request.prompts[0].text[:60]!r}")
        explained(outcome.ledger)


def check(outcomes: Sequence[Outcome]) -> None:
    """End with code 1 where a picture could not be drawn."""
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def shown(path: Path) -> str:
    """Return a path as short as it can be named from here."""
    short = os.path.relpath(path)
    return str(path) if short.startswith("..") else short


def _note(event: Event, outcome: Outcome) -> float:
    """Take an event into an outcome; return how much of the batch at work is done, in pictures."""
    from limn import studio

    if isinstance(event, studio.Started):
        outcome.folder, outcome.kept = event.folder, event.kept
    elif isinstance(event, studio.Kept):
        outcome.pictures[event.item.index] = event.path
    elif isinstance(event, studio.Drawn):
        outcome.pictures[event.picture.item.index] = event.path
    elif isinstance(event, studio.Failed):
        outcome.failed[event.picture.item.index] = event.picture.flaw
    elif isinstance(event, studio.Finished):
        outcome.seconds = event.seconds
    elif not isinstance(event, studio.Halved):
        return len(event.batch) * event.step / (event.steps + 1)
    return 0.0


def _summary(outcomes: Sequence[Outcome]) -> str:
    kept, seconds = sum(outcome.kept for outcome in outcomes), sum(outcome.seconds for outcome in outcomes)
    drawn = sum(len(outcome.pictures) for outcome in outcomes) - kept
    text = f"limn: drew {drawn} in {seconds:.1f} s"
    text += f", {drawn / seconds:.1f} a second" if drawn > 1 and seconds > 0 else ""
    text += f"; {kept} existed" if kept else ""
    failed = sum(len(outcome.failed) for outcome in outcomes)
    return text + (f"; {failed} failed" if failed else "")
