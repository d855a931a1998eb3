"""Tables of pictures that something else drew, with what people say of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Ask
from limn.audit.provenance.filling import filled
from limn.audit.readers.reader import UNREADABLE, Reading, Value
from limn.audit.reference.own import lines as read_lines
from limn.audit.report.agreement import LABELLER
from limn.audit.rows import MAJORITY, ReaderFacts
from limn.audit.sources import Drawing, key_of
from limn.audit.study import Study
from limn.io.files import read_bounded, sha256_of
from limn.io.pictures import MAX_BYTES, composite, decode
from limn.kernel import registry
from limn.kernel.errors import DataError, InputError

PLAIN = ("prompt", "file", "model", "seed", "group", "pair")
SLOTS = ("concept", "place", "part", "stereotype", "target", "categories", "profession")
UNCLEAR = ("?", UNREADABLE)
UNKNOWN = 2**40  # pictures whose seed nobody knows are counted from here


class _Picture(NamedTuple):
    """A picture of a table."""

    model: str
    ask: Ask
    file: Path
    labels: Mapping[tuple[str, str], Value]


@dataclass(frozen=True, kw_only=True, eq=False)
class FromFiles:
    """Pictures that are there already.

    Args:
        name: What drew them.
        files: By key of the picture.
        digest: Of all files.
    """

    name: str
    files: dict[str, Path]
    digest: str
    batch: int = 64
    reads_slots: bool = True
    alone: bool = True

    @property
    def hashes(self) -> Mapping[str, str]:
        """Of all files."""
        return {"pictures": self.digest}

    @property
    def settings(self) -> Mapping[str, str]:
        """The name: what else decided the pictures is not known."""
        return {"model": self.name}

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        """Read the picture of each ask; none where the table has none."""
        for ask, seed in zip(asks, seeds, strict=True):
            path = self.files.get(key_of(self, ask, seed))
            if path is None:
                yield Drawing(pixels=None, flaw="is not in the table")
                continue
            yield Drawing(pixels=picture(path), record={"file": path.name})


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledPictures:
    """What a table of pictures says.

    Args:
        asks: One for each picture of a model that differs in words, slots or seed.
        sources: What drew them.
        labels: By key of the picture, then by field and labeller; None where a labeller could not tell.
        version: Hash of the table.
        unused: Columns that nothing uses.
        again: Lines that repeat a picture.
        taken: What the pictures' files say that the table does not, a sentence each.
    """

    asks: tuple[Ask, ...]
    sources: tuple[FromFiles, ...]
    labels: Mapping[str, Mapping[tuple[str, str], Value]]
    version: str
    unused: tuple[str, ...]
    again: int
    taken: tuple[str, ...] = ()

    @cached_property
    def values(self) -> Mapping[str, tuple[str, ...]]:
        """The values of each field that is labelled, as they first appear."""
        values: dict[str, dict[str, None]] = {}
        for given in self.labels.values():
            for (field, _), value in given.items():
                values.setdefault(field, {}).update({str(value): None} if value is not None else {})
        return {field: tuple(known) for field, known in values.items()}

    def majority(self, key: str, field: str) -> Value:
        """Return what most labellers say of a picture; None where they could not tell, or tie."""
        given = [value for (name, _), value in self.labels.get(key, {}).items() if name == field]
        return agreed(given)

    def readers(self) -> Iterator[tuple[ReaderFacts, dict[str, Reading]]]:
        """Yield the majority, and each labeller, as readers with their readings by key."""
        labelled = {key: {field for field, _ in given} for key, given in self.labels.items() if given}
        facts = ReaderFacts(name=MAJORITY, version=self.version, fields=self.values)
        yield (
            facts,
            {
                key: Reading(values={field: self.majority(key, field) for field in names})
                for key, names in labelled.items()
            },
        )
        for who in dict.fromkeys(who for given in self.labels.values() for _, who in given):
            own = {
                key: {field: value for (field, name), value in given.items() if name == who}
                for key, given in self.labels.items()
            }
            fields = {field: self.values[field] for field in {name for given in own.values() for name in given}}
            named = ReaderFacts(name=LABELLER + who, version=self.version, fields=fields)
            yield named, {key: Reading(values=given) for key, given in own.items() if given}


def read_labels(path: Path, study: Study, images: Path | None = None) -> LabelledPictures:
    """Read a table of pictures for a study.

    Columns: ``prompt`` and ``file``; ``model``, ``seed``, ``group``, ``pair`` where there are such; slots that the
    study counts by, as ``concept``; and labels, ``FIELD:LABELLER``, or ``FIELD`` where the study reads it. A cell
    of ``?`` is a picture of which the labeller could not tell, an empty one was not labelled. What is missing of
    prompt, model and seed is taken from what the pictures' files say.

    Args:
        path: The CSV file, UTF-8.
        study: What is asked of the pictures.
        images: Where the files are; the table's own folder if None.

    Raises:
        InputError: If the columns do not carry the study, or a line cannot be used; the message names it.
    """
    name = registry.name_of(study)
    if study.needs is None:
        raise InputError(f"pictures: {name} looks at no pictures of a model; choose another study")
    lines = read_lines(path, (), None)
    columns = list(lines[0][1])
    taken: tuple[str, ...] = ()
    if "file" in columns:
        lines, taken = filled(lines, lambda line: (images or path.parent) / line["file"])
        columns += ["prompt"] if any(line["prompt"] for _, line in lines) else []
    for column in ("prompt", "file", *study.needs):
        if column not in columns:
            raise InputError(f"{path}: {name} needs a column {column}; its columns are {', '.join(columns)}")
    fields = {text: (text, MAJORITY) for text in columns if text in study.reads}
    fields |= {text: (text.split(":")[0].strip(), text.split(":")[1].strip()) for text in columns if ":" in text}
    slots = [column for column in columns if column in SLOTS]
    pictures, again = _pictures(
        path, [(n, line, _ask(path, n, line, slots, study)) for n, line in lines], fields, images
    )
    sources, labels = _sources(pictures)
    return LabelledPictures(
        asks=tuple({repr(picture.ask): picture.ask for picture in pictures}.values()),
        sources=sources,
        labels=labels,
        version=sha256_of(path)[:12],
        unused=tuple(text for text in dict.fromkeys(columns) if text not in (*PLAIN, *SLOTS, *fields)),
        again=again,
        taken=taken,
    )


def _ask(path: Path, number: int, line: Mapping[str, str], slots: Sequence[str], study: Study) -> Ask:
    """Return what a picture was asked for."""
    seed = line.get("seed", "")
    if not line["prompt"] or not line["file"]:
        raise InputError(f"{path}, line {number}: has no prompt, nor has its picture's file, or no file")
    if seed and not (seed.isascii() and seed.isdigit()):
        raise InputError(
            f"{path}, line {number}: seed {seed!r} is no whole number; leave it empty where it is not known"
        )
    named = {**study.usual, **{slot: line[slot] for slot in slots if line[slot] or slot == "place"}}
    for slot in study.needs or ():
        if slot in SLOTS and slot not in named:
            raise InputError(f"{path}, line {number}: has no {slot}")
    place = named.get("place")
    group = (
        line.get("group") or named.get("concept", "") if place is None else line.get("group") or place or "unmarked"
    )
    return Ask(
        prompt=line["prompt"], slots=named, group=group, pair=line.get("pair", ""), seed=int(seed) if seed else None
    )


def picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture of any kind as uint8 (height, width, 3)."""
    data = read_bounded(path, MAX_BYTES, "scale the picture down", error=DataError)
    return composite(np.asarray(decode(data, name=str(path))))


def agreed(labels: Sequence[Value]) -> Value:
    """Return what most labels of a picture say; None where they could not tell, or tie."""
    (value, most), (_, next_most), *_ = [*Counter(labels).most_common(2), (None, 0), (None, 0)]
    return value if most > next_most else None


def label(cell: str) -> Value:
    """Return the label of a cell; None where the labeller could not tell."""
    return None if cell.lower() in UNCLEAR else cell


def _pictures(
    path: Path,
    lines: Sequence[tuple[int, Mapping[str, str], Ask]],
    fields: Mapping[str, tuple[str, str]],
    images: Path | None,
) -> tuple[list[_Picture], int]:
    """Return each picture once, and how many lines repeat one; what such lines add is kept."""
    pictures: dict[tuple[str, str, str], _Picture] = {}
    words_of: dict[tuple[str, Path], tuple[int, str]] = {}
    numbers: Counter[tuple[str, str]] = Counter()
    for number, line, ask in lines:
        model, where, words = line.get("model") or "pictures", (images or path.parent) / line["file"], repr(ask)
        if not where.is_file():
            raise InputError(f"{path}, line {number}: there is no {where}; give the folder with --images")
        first, before = words_of.setdefault((model, where), (number, words))
        if before != words:
            raise InputError(f"{path}, line {number}: has the file of line {first}, but other words, slots or seed")
        labels = {fields[text]: label(line[text]) for text in fields if line[text]}
        identity = (model, words, "" if ask.seed is not None else str(where))
        known = pictures.get(identity)
        if known is not None and known.file != where:
            raise InputError(f"{path}, line {number}: has the words and seed of {known.file.name}, but another file")
        if known is None and ask.seed is None:
            ask = replace(ask, seed=UNKNOWN + numbers[model, words])
            numbers[model, words] += 1
        if known is None:
            pictures[identity] = _Picture(model, ask, where, labels)
        else:
            pictures[identity] = known._replace(labels={**labels, **known.labels})
    return list(pictures.values()), len(lines) - len(pictures)


def _sources(
    pictures: Sequence[_Picture],
) -> tuple[tuple[FromFiles, ...], dict[str, Mapping[tuple[str, str], Value]]]:
    """Return what drew the pictures, and their labels by key."""
    sources, labels = [], {}
    for model in dict.fromkeys(picture.model for picture in pictures):
        own = [picture for picture in pictures if picture.model == model]
        digest = hashlib.sha256("".join(sha256_of(picture.file) for picture in own).encode()).hexdigest()
        source = FromFiles(name=model, files={}, digest=digest)
        for picture in own:
            key = key_of(source, picture.ask, picture.ask.seed or 0)
            source.files[key], labels[key] = picture.file, picture.labels
        sources.append(source)
    return tuple(sources), labels
