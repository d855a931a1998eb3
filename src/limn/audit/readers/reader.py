"""What a reader is: it turns pictures into words for fields, or says that it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError

__all__ = ["UNREADABLE", "Confusion", "Pictures", "Reader", "Reading", "Value"]

UNREADABLE = "unreadable"
"""How a field without a value is shown; in a reading it is None."""

Pictures: TypeAlias = Sequence[NDArray[np.uint8]]
Value: TypeAlias = str | float | None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one picture shows.

    Args:
        values: For each field a word, a number, or None where it cannot be read.
        confidence: From 0 to 1 for each field, as the reader means it; may be empty.
    """

    values: Mapping[str, Value]
    confidence: Mapping[str, float] = field(default_factory=dict)


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
        for true, said in zip(truth, read, strict=True):
            counts[place[true], len(values) if said is None else place[str(said)]] += 1
        return cls(field=name, values=tuple(values), counts=counts, source=source)

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


@runtime_checkable
class Reader(Protocol):
    """Reads pictures; one that is not sure says so instead of guessing."""

    @property
    def name(self) -> str:
        """How its readings are called in a table; another threshold or phrase is another name or version."""

    @property
    def version(self) -> str:
        """Of what it reads with: a hash of weights and phrases, or a number that changes with its code."""

    @property
    def threshold(self) -> float:
        """Below which confidence it calls a field unreadable."""

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """What it reads, and the values each field can take; none where the value is a number."""

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """How it errs, by field; empty where nobody has counted."""

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures, each uint8 (height, width, 3)."""
