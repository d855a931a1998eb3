"""Draw a request into a store: what exists is kept, what is finished is saved at once."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limn.codecs.latents import TOGETHER
from limn.io.atomic import explained
from limn.io.cluster import Cluster
from limn.io.pictures import MAX_ENLARGED, read_picture
from limn.kernel import memory
from limn.kernel.errors import InputError, StoreError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.memory import Halved
from limn.kernel.prompt import prompt_record
from limn.kernel.request import MAX_PICTURES, Item, Request
from limn.kernel.runner import Ledger
from limn.models.environment import facts
from limn.provenance.credential import UnsignedError
from limn.provenance.seal import Seal
from limn.store import Run, Store, grid, read_record, write_png
from limn.studio.sharing import shared

MAX_BATCH = 4096
MAX_INLINE = 32_000  # bytes of prompts that every picture carries; with more, the run folder alone has them all
SPARE = 16_000_000  # bytes that must stay free on the disk


@dataclass(frozen=True, kw_only=True)
class Started:
    """A run is open.

    Args:
        folder: Where its pictures are.
        total: Pictures of the request.
        kept: Pictures that exist already.
    """

    folder: Path
    total: int
    kept: int


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A picture exists already."""

    item: Item
    path: Path


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture was drawn and saved."""

    picture: Picture
    path: Path


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A picture must not be trusted, and was not saved."""

    picture: Picture


@dataclass(frozen=True, kw_only=True)
class Finished:
    """All pictures were drawn, or failed.

    Args:
        folder: Where the pictures are.
        drawn: Pictures drawn now.
        kept: Pictures that existed.
        failed: Pictures that could not be drawn.
        seconds: Time taken.
    """

    folder: Path
    drawn: int
    kept: int
    failed: int
    seconds: float


Event = Started | Kept | Progress | Halved | Drawn | Failed | Finished


def generate(
    generator: Generator,
    request: Request,
    store: Store,
    *,
    device: str = "cpu",
    batch: int | None = None,
    max_rows: int | None = None,
    ledger: Ledger | None = None,
    seal: Seal | None = None,
    engine: Cluster | None = None,
) -> Iterator[Event]:
    """Draw what a request asks for and a store does not hold yet.

    Args:
        generator: The model.
        request: From the generator's own :meth:`Generator.request`.
        store: Where pictures go; the same request always goes to the same folder.
        device: Where the model runs, for the record.
        batch: Pictures drawn together.
        max_rows: Most rows in one forward pass, for when memory is short.
        ledger: Where forwards are noted.
        seal: How files that are written now are marked and signed; neither if None, as for what is measured.
        engine: What shares out the batches; this process if None.

    Yields:
        What happens, as it happens; leaving the loop early loses nothing that was drawn.

    Raises:
        InputError: If a value cannot be used.
        StoreError: If another process draws the same request, or the disk fails.
        LimnError: If memory ran out for half as many pictures too.
    """
    size = generator.batch if batch is None else batch
    if not 1 <= size <= MAX_BATCH:
        raise InputError(f"batch: {size} is not allowed; give a whole number from 1 to {MAX_BATCH}")
    if max_rows is not None and max_rows < 1:
        raise InputError(f"max_rows: {max_rows} is not allowed; give a whole number from 1")
    start, items, ledger = time.monotonic(), request.items(), Ledger() if ledger is None else ledger
    with store.open(request.key(), request.record()) as run:
        done = run.pictures()
        check_room(run.folder, len(items) - len(done), request.pictured or generator.size)
        yield Started(folder=run.folder, total=len(items), kept=len(done))
        for index, path in done.items():
            yield Kept(item=items[index], path=path)
        drawn = failed = 0
        common = {**_common(request), "circumstances": facts(device, request)} if len(done) < len(items) else {}
        common |= {"model_file": generator.file} if common and generator.file else {}
        options: dict[str, Any] = {"done": done, "batch": size, "max_rows": max_rows, "ledger": ledger}
        events: Iterator[Progress | Picture | Halved] = memory.draw(generator, request, **options)
        if engine is not None:
            events = shared(engine, request, record=common, **options)
        for event in events:
            if not isinstance(event, Picture):
                size = event.batch if isinstance(event, Halved) else size
                yield event
            elif event.flaw:
                failed += 1
                yield Failed(picture=event)
            else:
                drawn += 1
                path = _save(run, event, {**common, **_own(event, size, max_rows)}, seal, request)
                yield Drawn(picture=event, path=path)
        seconds = time.monotonic() - start
        if drawn or run.record is None:
            summary = {"drawn": drawn, "kept": len(done), "failed": failed, "seconds": round(seconds, 3)}
            summary |= {"forwards": len(ledger.forwards), "rows": ledger.rows, "flops": ledger.flops}
            run.finish({**summary, **_device(common or read_record(next(iter(done.values()))))})
        yield Finished(folder=run.folder, drawn=drawn, kept=len(done), failed=failed, seconds=seconds)


def _save(run: Run, picture: Picture, record: dict[str, Any], seal: Seal | None, request: Request) -> Path:
    """Write a finished picture, marked and signed where that is wanted."""
    index = picture.item.index
    if seal is None:
        return run.save(index, picture.pixels, record)
    pixels, told = seal.marked(picture.pixels, run.key, keeps=_keeps(request))
    try:
        return run.save(index, pixels, {**record, "provenance": told}, seal.signed)
    except UnsignedError as error:
        return run.save(index, pixels, {**record, "provenance": {**told, "credential": str(error)}})


def _keeps(request: Request) -> bool:
    """Say whether pictures promise to keep pixels of another one to the bit."""
    window = getattr(request.edit, "window", None)
    return window is not None and window(request.size)[1] is not None


def _device(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return where pictures were drawn; where none was drawn now, a picture that is there says it."""
    circumstances = record.get("circumstances")
    return {"device": circumstances["device"]} if isinstance(circumstances, dict) else {}


def check_room(folder: Path, pictures: int, size: tuple[int, int]) -> None:
    """Make sure, before anything is drawn, that the disk has room.

    Args:
        folder: Where pictures will go.
        pictures: How many.
        size: Height and width in pixels.

    Raises:
        StoreError: If the disk has too little room.
    """
    with explained(folder):
        free = shutil.disk_usage(folder).free
    needed = min(pictures, MAX_PICTURES) * (size[0] * size[1] * 3 + 8000) + SPARE
    if free < needed:
        raise StoreError(
            f"{folder}: {needed // 1_000_000:,} MB are needed and {free // 1_000_000:,} MB are free; "
            "free some space or choose another folder"
        )


def sheet(folder: Path, pictures: Sequence[Path], seal: Seal | None = None) -> Path:
    """Write a contact sheet of a run's pictures, in their order, signed by a seal, and return its file.

    Raises:
        StoreError: If it cannot be written.
    """
    images = [read_picture(path, max_pixels=MAX_ENLARGED) for path in pictures]
    path = folder / "grid.png"
    names = [picture.name for picture in pictures]
    write_signed(path, np.asarray(grid(images)), {"sheet": names}, seal)
    return path


def write_signed(
    path: Path, pixels: np.ndarray[Any, np.dtype[np.uint8]], record: Mapping[str, Any], seal: Seal | None
) -> None:
    """Write pictures laid out together: signed, but not marked, since a mark would change the pictures in it.

    Raises:
        StoreError: If it cannot be written.
    """
    if seal is None:
        write_png(path, pixels, record)
        return
    told = {"mark": "not marked: a sheet of pictures", "credential": seal.unsigned or "c2pa"}
    try:
        write_png(path, pixels, {**record, "provenance": told}, finish=seal.signed)
    except UnsignedError as error:
        write_png(path, pixels, {**record, "provenance": {**told, "credential": str(error)}})


def _common(request: Request) -> dict[str, Any]:
    """Return what the records of all pictures of a run share."""
    record = request.record()
    if len(json.dumps(record["prompts"])) > MAX_INLINE:
        record["prompts"] = None
    against = [part["against"] for part in record["guidance"] if part.get("against")]
    return {"request": record, "negative": against[0] if against else ""}


def _own(picture: Picture, size: int, max_rows: int | None) -> dict[str, Any]:
    """Return what only one picture's record says."""
    item = picture.item
    batch = {
        "size": size,
        "pictures": list(picture.batch),
        "decoded": TOGETHER,
        **({"max_rows": max_rows} if max_rows else {}),
    }
    return {"prompt": prompt_record(item.prompt), "seed": item.seed, "batch": batch}
