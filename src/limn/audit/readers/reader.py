"""What a reader is: it turns pictures into words for fields, or says that it cannot tell."""

from __future__ import annotations

import hashlib
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from limn.kernel import registry
from limn.kernel.errors import InputError

KIND = "readers"

UNREADABLE = "unreadable"
"""How a field without a value is shown; in a reading it is None."""

Pictures: TypeAlias = Sequence[NDArray[np.uint8]]
Value: TypeAlias = str | float | None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one picture shows.

    Args:
        values: For each field a word, a number, or None where it cannot be read; one whose number or confidence is
            not finite cannot be.
        confidence: From 0 to 1 for each field, as the reader means it, such as a detector's score; may be empty.
        likely: Whose score that is, for fields where it is not the value: what is read from a threshold on that the
            score reaches; empty for "none of these".
    """

    values: Mapping[str, Value]
    confidence: Mapping[str, float] = field(default_factory=dict)
    likely: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("values", "confidence"):
            given = getattr(self, name)
            if any(isinstance(value, np.generic) for value in given.values()):
                plain = {key: getattr(value, "item", lambda value=value: value)() for key, value in given.items()}
                object.__setattr__(self, name, plain)
        lost = {name for name, value in (*self.values.items(), *self.confidence.items()) if _endless(value)}
        if lost:  # a score that is no number says nothing, least of all a word
            object.__setattr__(self, "values", {**self.values, **dict.fromkeys(lost)})
            object.__setattr__(self, "confidence", {**self.confidence, **dict.fromkeys(lost, 0.0)})
            object.__setattr__(self, "likely", {**self.likely, **dict.fromkeys(lost, "")})

    def at(self, threshold: float, fields: Collection[str], below: Mapping[str, str]) -> Reading:
        """Return what would have been read at another threshold.

        Args:
            threshold: The least score.
            fields: Which fields have scores.
            below: What a field is below it; unreadable unless said.
        """
        values = dict(self.values)
        for name in fields & self.confidence.keys() & values.keys():
            best, enough = self.likely.get(name, values[name]) or None, self.confidence[name] >= threshold
            values[name] = best if enough or best is None else below.get(name)
        likely = {name: str(self.likely.get(name, self.values.get(name)) or "") for name in fields & values.keys()}
        return replace(self, values=values, likely=likely)


def _endless(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Confusion:
    """How often a reader takes one value for another, counted on labelled pictures that it was not made with.

    Args:
        field: What is read.
        values: The values, in order.
        counts: Pictures (values, values + 1): the row is the truth, the column what was read, unreadable the last.
        source: On which pictures it was counted.
    """

    field: str
    values: tuple[str, ...]
    counts: NDArray[np.int64]
    source: str = ""

    def __post_init__(self) -> None:
        k = len(self.values)
        if self.counts.shape != (k, k + 1) or (self.counts < 0).any():
            raise InputError(f"confusion of {self.field}: counts must be ({k}, {k + 1}) numbers of 0 or more")

    @classmethod
    def of(
        cls, name: str, values: Sequence[str], truth: Sequence[str], read: Sequence[Value], source: str = ""
    ) -> Confusion:
        """Count a confusion matrix.

        Args:
            name: What is read.
            values: The values it can take, in order.
            truth: The true value of each picture.
            read: What was read of each; None for unreadable.
            source: Which pictures these are.
        """
        place = {value: k for k, value in enumerate(values)}
        counts = np.zeros((len(values), len(values) + 1), np.int64)
        for true, value in zip(truth, read, strict=True):
            counts[place[true], len(values) if value is None else place[str(value)]] += 1
        return cls(field=name, values=tuple(values), counts=counts, source=source)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"values": list(self.values), "counts": self.counts.tolist(), "source": self.source}

    @classmethod
    def read(cls, name: str, record: Any, values: Sequence[str] = ()) -> Confusion:
        """Return what :meth:`plain` gave.

        Args:
            name: What is read.
            record: Values, counts and source; values may be left out where they are known.
            values: The values that it must have; any if empty.

        Raises:
            InputError: If it is no such record, or is of other values.
        """
        try:
            known = tuple(map(str, record.get("values", values)))
            counts = np.array(record["counts"])
            if counts.dtype.kind not in "iu" or (values and known != tuple(values)):
                raise ValueError(f"needs whole numbers, of {', '.join(values)} in this order")
            return cls(
                field=name, values=known, counts=counts.astype(np.int64), source=str(record.get("source", ""))
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"confusion of {name}: cannot be used ({error}); give values and counts") from None

    def rates(self, value: str) -> dict[str, Any]:
        """Return sensitivity and specificity of one value among what could be read, and the counts behind each.

        Returns:
            ``sensitivity``, ``specificity`` (NaN without pictures), ``positives``, ``negatives``.
        """
        k = self.values.index(value)
        readable = self.counts[:, :-1]
        yes, no = int(readable[k].sum()), int(np.delete(readable, k, 0).sum())
        false = int(np.delete(readable, k, 0)[:, k].sum())
        return {
            "sensitivity": int(readable[k, k]) / yes if yes else float("nan"),
            "specificity": 1 - false / no if no else float("nan"),
            "positives": yes,
            "negatives": no,
        }


class Reader(registry.Part, ABC):
    """Reads pictures; one that is not sure says so instead of guessing.

    A reader is a frozen, keyword-only dataclass of this base in a file of its own: ``audit/readers/NAME.py``, or any
    module that an entry point of the group ``limn.readers`` names. Its fields are its options,
    ``--reader NAME:option=value``; ``main`` names the one that may be given alone, ``--reader NAME:value``.
    """

    main: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """How its readings are called in a table; another threshold or phrase is another name or version."""
        return registry.name_of(self)

    @property
    def version(self) -> str:
        """Of what it reads with: a hash of weights and phrases, or of its code."""
        return hashlib.sha256(Path(inspect.getfile(type(self))).read_bytes()).hexdigest()[:12]

    @property
    def threshold(self) -> float:
        """Below which confidence it calls a field unreadable; 0 where each field has its own, or none has one."""
        return 0.0

    @property
    def weights(self) -> str:
        """SHA-256 of what it has learned, or of its code."""
        return hashlib.sha256(Path(inspect.getfile(type(self))).read_bytes()).hexdigest()

    @property
    def scored(self) -> tuple[str, ...]:
        """Fields whose confidence is a score that a threshold decides by, so that another may be tried."""
        return ()

    @property
    def otherwise(self) -> Mapping[str, str]:
        """What a scored field is below the threshold; unreadable where nothing is said."""
        return {}

    @property
    @abstractmethod
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """What it reads, and the values each field can take; none where the value is a number."""

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """How it errs, by field; empty where nobody has counted, or where it does not guess."""
        return {}

    @abstractmethod
    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures, each uint8 (height, width, 3)."""

    def rehearse(self) -> None:
        """Read one grey picture, so that what is wrong is told before anything is drawn.

        Raises:
            InputError: If it cannot read, or returns what its fields do not have.
        """
        read_checked(self, [np.full((64, 64, 3), 127, np.uint8)])

    def nothing(self) -> Reading:
        """Return the reading of a picture on which nothing can be read."""
        return Reading(values=dict.fromkeys(self.fields))


@dataclass(frozen=True, kw_only=True)
class Wrapped(Reader):
    """Another reader, changed in one respect.

    Args:
        reader: The other.
    """

    reader: Reader

    @property
    def version(self) -> str:
        """Of the reader within."""
        return self.reader.version

    @property
    def threshold(self) -> float:
        """Of the reader within."""
        return self.reader.threshold

    @property
    def weights(self) -> str:
        """Of the reader within."""
        return self.reader.weights

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Of the reader within."""
        return self.reader.fields

    @property
    def scored(self) -> tuple[str, ...]:
        """Of the reader within."""
        return self.reader.scored

    @property
    def otherwise(self) -> Mapping[str, str]:
        """Of the reader within."""
        return self.reader.otherwise

    def rehearse(self) -> None:
        """Rehearse the reader within."""
        self.reader.rehearse()


def read_checked(reader: Reader, pictures: Pictures) -> list[Reading]:
    """Read pictures, and hold the reader to its fields.

    Raises:
        InputError: If it returns another number of readings, a field or a value that it does not have.
    """
    readings, fields = list(reader.read(pictures)), reader.fields
    if len(readings) != len(pictures):
        raise InputError(f"{reader.name}: returned {len(readings)} readings of {len(pictures)} pictures")
    for reading in readings:
        for name, value in reading.values.items():
            if name not in fields or not (value is None or _fits(value, fields[name])):
                raise InputError(
                    f"{reader.name}: {name}={str(value)[:40]!r} is not among its fields; mend the reader"
                )
    return readings


def _fits(value: Value, allowed: tuple[str, ...]) -> bool:
    return value in allowed if allowed else isinstance(value, int | float)


def open_reader(text: str) -> Reader:
    """Build a reader from text such as ``"people"``, ``"zero_shot:model=judge_a,phrases=words.json"``.

    Args:
        text: A name with options, or with one value, which is that of the reader's ``main`` option.

    Raises:
        InputError: If there is no such reader or option.
    """
    name, _, rest = text.partition(":")
    main = getattr(registry.find(KIND, name.strip()), "main", "")
    alone = main and rest and "=" not in rest
    reader = registry.build(KIND, {"name": name.strip(), main: rest}) if alone else registry.parse(KIND, text)
    if not isinstance(reader, Reader):
        raise InputError(f"reader {name}: its class does not derive from limn.Reader; ask its author to mend it")
    return reader
