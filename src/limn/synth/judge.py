"""The judge of a set: a reader with one field, its words for the classes, and its errors on real pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limn.audit.readers.reader import Confusion, Pictures, Reader, Reading, Wrapped, open_reader, read_checked
from limn.audit.readers.zero_shot import ZeroShot
from limn.audit.rows import ReaderFacts
from limn.kernel.errors import InputError
from limn.synth.classes import Classes
from limn.synth.labelled import read_labelled

FIELD = "class"
AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Counted(Wrapped):
    """Another reader, whose errors in one field were counted on pictures whose class is known.

    Args:
        counted: The errors.
    """

    counted: Confusion

    @property
    def name(self) -> str:
        """Of the reader within: it reads the same."""
        return self.reader.name

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """With what was counted."""
        return {**self.reader.confusion, self.counted.field: self.counted}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read as the reader within does."""
        return self.reader.read(pictures)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Who says which class a picture shows.

    Args:
        reader: What reads.
        field: Which of its fields says the class.
        values: Its word for each class, by label.
    """

    reader: Reader
    field: str
    values: Mapping[str, str]

    @property
    def labels(self) -> Mapping[str, str]:
        """The class of each of its words."""
        return {value: label for label, value in self.values.items()}


def open_judge(text: str, classes: Classes, *, field: str = "", real: Path | None = None) -> Judge:
    """Open a judge.

    Args:
        text: A reader, as ``--reader`` takes one; a ``zero_shot`` without phrases reads the words of the classes.
        classes: The classes.
        field: Which field says the class; the first that has all their words if empty.
        real: Real pictures with their classes (:func:`limn.synth.labelled.read_labelled`), on which its errors are
            counted.

    Raises:
        InputError: No such reader, or it has no words for some classes.
    """
    reader = open_reader(text)
    if isinstance(reader, ZeroShot) and not reader.phrases:
        phrases = {FIELD: {thing.value: list(thing.words) for thing in classes.things}}
        options = {"model": reader.model, "scores": reader.scores, "threshold": reader.threshold}
        reader = ZeroShot.of(phrases, **options)
    values = {thing.label: thing.value for thing in classes.things}
    fitting = [name for name, known in reader.fields.items() if set(values.values()) <= set(known)]
    chosen = field or next(iter(fitting), "")
    if chosen not in fitting:
        known = reader.fields.get(chosen) or next(iter(reader.fields.values()), ())
        lacking = [value for value in values.values() if value not in known]
        raise InputError(
            f"judge: {reader.name} {chosen} has no word for {', '.join(lacking[:5])}; "
            "give value in the class file, or another --field"
        )
    if len(set(values.values())) < len(values):
        raise InputError("judge: two classes have one value; the judge would not tell them apart")
    judge = Judge(reader=reader, field=chosen, values=values)
    return judge if real is None else _counted(judge, real, classes)


def _counted(judge: Judge, real: Path, classes: Classes) -> Judge:
    """Return a judge whose errors were counted on real pictures."""
    known = read_labelled(real, classes.labels)
    read: list[Reading] = []
    for start in range(0, len(known.pictures), AT_ONCE):
        read += read_checked(judge.reader, known.pictures[start : start + AT_ONCE])
    truth = [judge.values[label] for label in known.labels]
    said = [reading.values.get(judge.field) for reading in read]
    source = f"{len(truth)} real pictures of {real.name}"
    counted = Confusion.of(judge.field, judge.reader.fields[judge.field], truth, said, source)
    return Judge(reader=Counted(reader=judge.reader, counted=counted), field=judge.field, values=judge.values)


def judge_of(facts: Sequence[ReaderFacts], record: Mapping[str, object]) -> tuple[ReaderFacts, str] | None:
    """Return the judge that a set's record names, and its field; None where nobody read.

    Args:
        facts: Who read the set.
        record: ``name`` and ``field``; empty where there was none.
    """
    named = [one for one in facts if one.name == record.get("name")]
    return (named[0], str(record["field"])) if named else None
