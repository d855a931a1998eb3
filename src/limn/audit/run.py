"""Draw what is missing, then read it: what exists is kept, so that a stopped audit goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limn.audit.folder import Folder, Plan
from limn.audit.probe import Probe
from limn.audit.readers.reader import Reader, Reading, open_reader
from limn.audit.sources import Drawing, Source, key_of
from limn.audit.table import ReaderFacts, Row, SourceFacts, Table
from limn.io.atomic import make_folder, sweep
from limn.io.lock import Lock
from limn.kernel.errors import InputError

__all__ = ["Progress", "facts_of", "gather", "in_memory", "read"]

AT_ONCE = 256  # pictures that a reader is given together
STRETCH = 2048  # pictures whose readings go into one file


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an audit has come.

    Args:
        stage: What is being done.
        name: By which model or reader.
        done: Pictures done, those kept included.
        total: Pictures to do.
        kept: Pictures that existed or had been read.
    """

    stage: Literal["drawing", "reading"]
    name: str
    done: int
    total: int
    kept: int


def gather(
    probe: Probe,
    sources: Sequence[Source],
    readers: Sequence[Reader | str],
    folder: Path,
    *,
    study: Mapping[str, Any] | None = None,
    command: str = "",
) -> Iterator[Progress | Table]:
    """Draw and read what is missing in a folder.

    Batches are cut from the whole probe and drawn whole, so that pictures come out the same to the last bit when an
    audit goes on after a stop.

    Args:
        probe: What is asked.
        sources: What draws, the model in question first.
        readers: What reads, or names of readers.
        folder: Where everything is kept.
        study: Record of the study, kept with it.
        command: The command that reproduces it, kept with it.

    Yields:
        Progress, and the table at last; leaving the loop early loses nothing that was drawn or read.

    Raises:
        InputError: If two models or two readers have one name, or a picture is of the wrong form.
        StoreError: If another process works in the folder, or the disk fails.
    """
    opened = [open_reader(each) if isinstance(each, str) else each for each in readers]
    _distinct("model", [each.name for each in sources])
    _distinct("reader", [each.name for each in opened])
    home, facts = Folder(folder), tuple(_source_facts(each) for each in sources)
    make_folder(home.path)
    with Lock(home.path / ".lock", f"audit {folder}", wait=2.0):
        sweep(home.path)
        plan = Plan(probe=probe, sources=facts, study=study or {}, command=command)
        home.write(plan)
        flaws: dict[str, str] = {}
        for source in sources:
            yield from _draw(probe, source, home, flaws)
        rows = home.rows(plan, flaws)
        home.write_rows(rows, facts)
        for reader in opened:
            yield from _read(rows, reader, home)
        plan = replace(plan, readers=tuple(facts_of(each) for each in opened))
        home.write(plan)
        yield home.table()


def read(folder: Path, readers: Sequence[Reader | str]) -> Iterator[Progress | Table]:
    """Let further readers read the pictures of an audit that was made; nothing is drawn.

    Args:
        folder: The audit's folder.
        readers: What reads, or names of readers; one of a name that has read before takes its place.

    Yields:
        Progress, and the table at last.
    """
    opened = [open_reader(each) if isinstance(each, str) else each for each in readers]
    _distinct("reader", [each.name for each in opened])
    home = Folder(folder)
    plan = home.plan()
    with Lock(home.path / ".lock", f"audit {folder}", wait=2.0):
        rows = home.rows(plan, home.flaws())
        for reader in opened:
            yield from _read(rows, reader, home)
        new = {each.name: facts_of(each) for each in opened}
        kept = [new.pop(each.name, each) for each in plan.readers]
        home.write(replace(plan, readers=(*kept, *new.values())))
        yield home.table()


def in_memory(probe: Probe, sources: Sequence[Source], readers: Sequence[Reader | str]) -> Table:
    """Draw and read without a folder, as selfchecks do; pictures stay in memory."""
    opened = [open_reader(each) if isinstance(each, str) else each for each in readers]
    _distinct("model", [each.name for each in sources])
    _distinct("reader", [each.name for each in opened])
    pixels: dict[str, NDArray[np.uint8]] = {}
    rows: list[Row] = []
    for source in sources:
        drawn: dict[str, Drawing] = {}
        for places, drawings in _batches(probe, source, lambda key: False):
            drawn |= dict(zip(places, drawings, strict=True))
        pixels |= {key: each.pixels for key, each in drawn.items() if each.pixels is not None}
        for item in probe.items():
            ask = probe.asks[item.ask]
            key = key_of(source, ask, item.seed)
            one = drawn[key]
            rows.append(
                Row(
                    key=key, source=source.name, ask=item.ask, take=item.take, prompt=ask.prompt, slots=ask.slots,
                    group=ask.group, pair=ask.pair, seed=item.seed, flaw=one.flaw, sha256=_digest(one.pixels),
                )
            )  # fmt: skip
    said = {each.name: dict(zip(pixels, _all(each, list(pixels.values())), strict=True)) for each in opened}
    read_rows = (
        replace(row, readings={name: found[row.key] for name, found in said.items() if row.key in found})
        for row in rows
    )
    return Table(
        probe=probe,
        rows=tuple(read_rows),
        sources=tuple(_source_facts(each) for each in sources),
        readers=tuple(facts_of(each) for each in opened),
        load=lambda row: pixels[row.key],
    )


def facts_of(reader: Reader) -> ReaderFacts:
    """Return what a reader is, as data."""
    return ReaderFacts(
        name=reader.name,
        version=reader.version,
        threshold=reader.threshold,
        fields=dict(reader.fields),
        confusion=dict(reader.confusion),
    )


def _draw(probe: Probe, source: Source, home: Folder, flaws: dict[str, str]) -> Iterator[Progress]:
    """Draw one source's missing pictures into a folder; note what fails."""
    wanted = {key_of(source, probe.asks[item.ask], item.seed) for item in probe.items()}
    there = {key for key in wanted if home.digest(key)}
    kept = done = len(there)

    def progress() -> Progress:
        return Progress(stage="drawing", name=source.name, done=done, total=len(wanted), kept=kept)

    yield progress()
    for keys, drawings in _batches(probe, source, there.__contains__):
        for key, drawing in zip(keys, drawings, strict=True):
            if key in there:
                continue
            if drawing.pixels is None:
                flaws[key] = drawing.flaw or "was not drawn"
            else:
                home.save(key, drawing.pixels, drawing.record)
            done += 1
        yield progress()


def _batches(
    probe: Probe, source: Source, there: Callable[[str], bool]
) -> Iterator[tuple[list[str], list[Drawing]]]:
    """Draw every batch in which something is not there yet, whole."""
    items = {key_of(source, probe.asks[item.ask], item.seed): item for item in probe.items()}
    keys = list(items)
    for start in range(0, len(keys), source.batch):
        chunk = keys[start : start + source.batch]
        if not all(there(key) for key in chunk):
            asks = [probe.asks[items[key].ask] for key in chunk]
            drawings = [_sound(each) for each in source.draw(asks, [items[key].seed for key in chunk])]
            if len(drawings) != len(chunk):
                raise InputError(f"{source.name}: drew {len(drawings)} pictures when asked for {len(chunk)}")
            yield chunk, drawings


def _read(rows: Sequence[Row], reader: Reader, home: Folder) -> Iterator[Progress]:
    """Let one reader read what it has not read yet."""
    facts = facts_of(reader)
    pictures = {row.key: row for row in rows if row.drawn}
    known = home.readings(facts)
    left = [key for key in pictures if key not in known]
    kept = done = len(pictures) - len(left)
    yield Progress(stage="reading", name=reader.name, done=done, total=len(pictures), kept=kept)
    for start in range(0, len(left), STRETCH):
        stretch = left[start : start + STRETCH]
        said: list[tuple[str, Reading]] = []
        for first in range(0, len(stretch), AT_ONCE):
            chunk = stretch[first : first + AT_ONCE]
            said += zip(chunk, reader.read([home.load(pictures[key]) for key in chunk]), strict=True)
            done += len(chunk)
            if first + AT_ONCE >= len(stretch):
                home.add_readings(facts, said)
            yield Progress(stage="reading", name=reader.name, done=done, total=len(pictures), kept=kept)


def _all(reader: Reader, pictures: Sequence[NDArray[np.uint8]]) -> list[Reading]:
    chunks = (pictures[start : start + AT_ONCE] for start in range(0, len(pictures), AT_ONCE))
    return [each for chunk in chunks for each in reader.read(chunk)]


def _sound(drawing: Drawing) -> Drawing:
    pixels = drawing.pixels
    if pixels is not None and (pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3):
        raise InputError(f"source: drew {pixels.dtype} of shape {pixels.shape}; draw uint8 (height, width, 3)")
    return drawing


def _digest(pixels: NDArray[np.uint8] | None) -> str:
    return "" if pixels is None else hashlib.sha256(pixels.tobytes()).hexdigest()


def _source_facts(source: Source) -> SourceFacts:
    return SourceFacts(
        name=source.name, hashes=dict(source.hashes), settings=dict(source.settings), reads_slots=source.reads_slots
    )


def _distinct(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{what}: {name!r} is given twice; leave one out, or give it a name of its own")
