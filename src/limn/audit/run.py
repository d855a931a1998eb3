"""Draw what is missing, then read it: what exists is kept, so that a stopped audit goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from limn.audit.folder import Folder, Plan
from limn.audit.probe import Probe
from limn.audit.readers.reader import Reader, Reading, open_reader, read_checked
from limn.audit.rows import REFUSED, ReaderFacts, Row, SourceFacts
from limn.audit.sources import Answers, Drawing, FromGenerator, Source, drawer, key_of, moved
from limn.audit.table import Table
from limn.io.atomic import make_folder
from limn.io.cluster import Cluster
from limn.io.lock import Lock
from limn.io.targets import keep_foreign
from limn.kernel import registry
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.audit.study import Study

AT_ONCE = 256  # pictures that a reader is given together
STRETCH = 2048  # pictures whose readings go into one file


@dataclass(frozen=True, kw_only=True)
class AuditProgress:
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


def audit(
    study: Study,
    sources: Sequence[Source | str],
    folder: Path,
    *,
    readers: Sequence[Reader | str] | None = None,
    command: str = "",
    force: bool = False,
    engine: Cluster | None = None,
) -> Iterator[AuditProgress | Table]:
    """Draw and read what a study asks; ``study.analyse`` of the table makes the report.

    Args:
        study: The study, from any file.
        sources: What draws, the model in question first; a text is a model's name or folder.
        folder: Where everything is kept.
        readers: What reads; the study's own if None.
        command: The command that reproduces it, kept with it.
        force: Whether foreign files in the folder may be replaced.
        engine: What shares out the drawing; this process if None.

    Yields:
        Progress, and the table at last; leaving the loop early loses nothing that was drawn or read.

    Raises:
        InputError: If the folder holds another study or foreign files, or nobody reads what the study analyses;
            before drawing.
    """
    record, home, probe = registry.record(study), Folder(folder), study.probe()
    if home.exists and home.plan().study.get("name") != record["name"]:
        raise InputError(f"{folder}: holds an audit of {home.plan().study.get('name')}; choose another folder")
    opened = _opened(study.read_by if readers is None else readers)
    if probe.asks:
        study.require({name: values for reader in reversed(opened) for name, values in reader.fields.items()})
    drawing = [FromGenerator(model=source) if isinstance(source, str) else source for source in sources]
    yield from gather(probe, drawing, opened, folder, study=record, command=command, force=force, engine=engine)


def gather(
    probe: Probe,
    sources: Sequence[Source],
    readers: Sequence[Reader | str],
    folder: Path,
    *,
    study: Mapping[str, Any] | None = None,
    command: str = "",
    force: bool = False,
    engine: Cluster | None = None,
) -> Iterator[AuditProgress | Table]:
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
        force: Whether foreign files in the folder may be replaced.
        engine: What shares out the drawing, each batch whole; this process if None.

    Yields:
        Progress, and the table at last; leaving the loop early loses nothing that was drawn or read.

    Raises:
        InputError: If two models or two readers have one name, foreign files are in the way, or a picture is of
            the wrong form.
        StoreError: If another process works in the folder, or the disk fails.
    """
    opened, facts = _opened(readers), _source_facts(sources)
    for reader in opened:
        _reader_facts(reader)  # a model that it reads with and that is missing is found out before drawing
        reader.rehearse()
    home = Folder(folder)
    if not home.exists:
        keep_foreign(home.written, force=force)
    make_folder(home.path)
    with Lock(home.path / ".lock", f"audit {folder}", wait=2.0):
        home.sweep()
        plan = Plan(probe=probe, sources=facts, study=study or {}, command=command)
        home.write(plan)
        flaws: dict[str, str] = {}
        for source in sources:
            yield from _draw(probe, source, home, flaws, engine)
        rows = home.rows(plan, flaws)
        home.write_rows(rows, facts)
        for reader in opened:
            yield from _read(rows, reader, home)
        home.write(replace(plan, readers=tuple(map(_reader_facts, opened))))
        yield home.table()


def read(folder: Path, readers: Sequence[Reader | str]) -> Iterator[AuditProgress | Table]:
    """Let further readers read the pictures of an audit that was made; nothing is drawn.

    Args:
        folder: The audit's folder.
        readers: What reads, or names of readers; one of a name that has read before takes its place.

    Yields:
        Progress, and the table at last.
    """
    opened, home = _opened(readers), Folder(folder)
    plan = home.plan()
    for reader in opened:
        reader.rehearse()
    with Lock(home.path / ".lock", f"audit {folder}", wait=2.0):
        rows = home.rows(plan, home.flaws())
        for reader in opened:
            yield from _read(rows, reader, home)
        known = {facts.name: facts for facts in plan.readers}
        known |= {reader.name: _reader_facts(reader) for reader in opened}
        home.write(replace(plan, readers=tuple(known.values())))
        yield home.table()


def in_memory(probe: Probe, sources: Sequence[Source], readers: Sequence[Reader | str]) -> Table:
    """Draw and read without a folder, as selfchecks do; pictures stay in memory."""
    opened, facts = _opened(readers), _source_facts(sources)
    drawn: dict[str, Drawing] = {}
    for source in sources:
        drawn |= dict(_drawn(probe, source, lambda key: False))
    pixels = {key: drawing.pixels for key, drawing in drawn.items() if drawing.pixels is not None}
    readings = {
        reader.name: dict(zip(pixels, _all(reader, list(pixels.values())), strict=True)) for reader in opened
    }
    rows = []
    for source in sources:
        for item in probe.items():
            ask = probe.asks[item.ask]
            key = key_of(source, ask, item.seed)
            shown = {name: known[key] for name, known in readings.items() if key in known}
            rows.append(
                Row.of(source.name, item, ask, key=key, flaw=drawn[key].flaw, sha256=_digest(drawn[key].pixels),
                       readings=shown)
            )  # fmt: skip
    return Table(
        probe=probe,
        rows=tuple(rows),
        sources=facts,
        readers=tuple(map(_reader_facts, opened)),
        load=lambda row: pixels[row.key],
    )


def _draw(
    probe: Probe, source: Source, home: Folder, flaws: dict[str, str], engine: Cluster | None
) -> Iterator[AuditProgress]:
    """Draw one source's missing pictures into a folder; note what fails."""
    wanted = {key_of(source, probe.asks[item.ask], item.seed) for item in probe.items()}
    there = {key for key in wanted if home.digest(key) or home.refusal(key)}
    kept = done = len(there)

    def progress() -> AuditProgress:
        return AuditProgress(stage="drawing", name=source.name, done=done, total=len(wanted), kept=kept)

    yield progress()
    for key, drawing in _drawn(probe, source, there.__contains__, engine):
        if key in there:
            continue
        if drawing.pixels is not None:
            home.save(key, drawing.pixels, drawing.record)
        elif drawing.flaw.startswith(REFUSED):
            home.refuse(key, drawing.flaw, drawing.record)
        else:
            flaws[key] = drawing.flaw or "was not drawn"
        done += 1
        yield progress()


def _drawn(
    probe: Probe, source: Source, there: Callable[[str], bool], engine: Cluster | None = None
) -> Iterator[tuple[str, Drawing]]:
    """Draw every batch in which something is missing: whole, or only that where neighbours do not matter."""
    items = {key_of(source, probe.asks[item.ask], item.seed): item for item in probe.items()}
    keys = [key for key in items if not (source.alone and there(key))]
    every = (keys[start : start + source.batch] for start in range(0, len(keys), source.batch))
    chunks = [chunk for chunk in every if not all(there(key) for key in chunk)]
    asked = [([probe.asks[items[key].ask] for key in chunk], [items[key].seed for key in chunk]) for chunk in chunks]
    answers: Iterable[tuple[int, Iterable[Drawing]]] = enumerate(source.draw(*question) for question in asked)
    if engine is not None and asked:
        answers = _elsewhere(source, engine, asked)
    for place, drawings in answers:
        chunk, count = chunks[place], 0
        for count, drawing in enumerate(drawings, start=1):
            if count <= len(chunk):
                yield chunk[count - 1], _sound(drawing)
        if count != len(chunk):
            raise InputError(f"{source.name}: drew {count} pictures when asked for {len(chunk)}")


def _elsewhere(source: Source, engine: Cluster, asked: Sequence[Any]) -> Iterator[tuple[int, Iterable[Drawing]]]:
    """Let the workers of an engine draw, and note what they tell beside the pictures."""
    answers: Answers
    for place, answers in engine.map(partial(drawer, moved(source, engine.device)), asked):
        if isinstance(source, FromGenerator):
            source.unread |= answers.unread
            source.halved = answers.halved or source.halved
        yield place, answers.drawings


def _read(rows: Sequence[Row], reader: Reader, home: Folder) -> Iterator[AuditProgress]:
    """Let one reader read what it has not read yet."""
    facts = _reader_facts(reader)
    pictures = {row.key: row for row in rows if row.drawn}
    known = home.readings(facts)
    left = [key for key in pictures if key not in known]
    kept = done = len(pictures) - len(left)
    yield AuditProgress(stage="reading", name=reader.name, done=done, total=len(pictures), kept=kept)
    for start in range(0, len(left), STRETCH):
        stretch = left[start : start + STRETCH]
        readings: list[tuple[str, Reading]] = []
        for first in range(0, len(stretch), AT_ONCE):
            chunk = stretch[first : first + AT_ONCE]
            readings += zip(chunk, read_checked(reader, [home.load(pictures[key]) for key in chunk]), strict=True)
            done += len(chunk)
            if first + AT_ONCE >= len(stretch):
                home.add_readings(facts, readings)
            yield AuditProgress(stage="reading", name=reader.name, done=done, total=len(pictures), kept=kept)


def _all(reader: Reader, pictures: Sequence[NDArray[np.uint8]]) -> list[Reading]:
    chunks = (pictures[start : start + AT_ONCE] for start in range(0, len(pictures), AT_ONCE))
    return [reading for chunk in chunks for reading in read_checked(reader, chunk)]


def _sound(drawing: Drawing) -> Drawing:
    pixels = drawing.pixels
    if pixels is not None and (pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3):
        raise InputError(f"source: drew {pixels.dtype} of shape {pixels.shape}; draw uint8 (height, width, 3)")
    return drawing


def _digest(pixels: NDArray[np.uint8] | None) -> str:
    return "" if pixels is None else hashlib.sha256(pixels.tobytes()).hexdigest()


def _reader_facts(reader: Reader) -> ReaderFacts:
    return ReaderFacts(
        name=reader.name,
        version=reader.version,
        threshold=reader.threshold,
        fields=dict(reader.fields),
        confusion=dict(reader.confusion),
        weights=reader.weights,
        scored=tuple(reader.scored),
        below=dict(reader.otherwise),
    )


def _source_facts(sources: Sequence[Source]) -> tuple[SourceFacts, ...]:
    _distinct("model", [source.name for source in sources])
    return tuple(
        SourceFacts(name=one.name, hashes=dict(one.hashes), settings=dict(one.settings), reads_slots=one.reads_slots)
        for one in sources
    )


def _opened(readers: Sequence[Reader | str]) -> list[Reader]:
    opened = [open_reader(reader) if isinstance(reader, str) else reader for reader in readers]
    _distinct("reader", [reader.name for reader in opened])
    return opened


def _distinct(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{what}: {name!r} is given twice; leave one out, or give it a name of its own")
