"""A reader made worse on purpose, by known rates, to find out whether corrections for its errors hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from limn.audit.readers.reader import Confusion, Pictures, Reading, Wrapped
from limn.kernel.errors import InputError

# Numbers of random streams that nobody else draws from: a seed of zeros alone would give the stream of seed 0.
COUNTS, ERRORS = 727_001, 727_002


@dataclass(frozen=True, kw_only=True)
class Noisy(Wrapped):
    """Another reader whose words for one field are changed by chance.

    Args:
        field: Which field.
        rates: Probability of saying each value, and last "unreadable", when the reader says a value: a row for each
            value of the field, ``0.9 0.1 0|0.1 0.9 0`` for two. Rows sum to one.
        lost: Further share of pictures that cannot be read, which its confusion matrix does not know of.
        calibration: Labelled pictures of each value from which its confusion matrix is counted; 0 for none.
        seed: Of the errors; equal pictures are not misread alike, only the same picture in the same place.
    """

    field: str
    rates: tuple[tuple[float, ...], ...]
    lost: float = 0.0
    calibration: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        values = len(self.reader.fields.get(self.field, ()))
        if not values or np.shape(self.rates) != (values, values + 1) or not np.allclose(np.sum(self.rates, 1), 1):
            raise InputError(f"rates: need {values} rows of {values + 1} shares for {self.field}, each summing to 1")

    @property
    def version(self) -> str:
        """Of the reader within, with the rates."""
        rates = hashlib.sha256(np.array(self.rates).tobytes()).hexdigest()[:8]
        lost = f"+{self.lost}" if self.lost else ""
        return f"{self.reader.version}+{rates}+{self.seed}{lost}"

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """Counted on labelled pictures that are drawn for it, as a real reader's would be."""
        if not self.calibration:
            return dict(self.reader.confusion)
        rng = np.random.default_rng([COUNTS, self.seed])
        counts = np.stack([rng.multinomial(self.calibration, row) for row in self.rates])
        source = f"{self.calibration} labelled pictures of each value"
        own = Confusion(field=self.field, values=self.fields[self.field], counts=counts, source=source)
        return {**self.reader.confusion, self.field: own}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures, and err."""
        rng = np.random.default_rng([ERRORS, self.seed, self._drawn[0]])
        self._drawn[0] += len(pictures)
        readings = [self._misread(reading, rng.random()) for reading in self.reader.read(pictures)]
        gone = rng.random(len(readings)) < self.lost
        return [
            Reading(values={**reading.values, self.field: None}, confidence=reading.confidence) if lost else reading
            for reading, lost in zip(readings, gone, strict=True)
        ]

    def _misread(self, reading: Reading, chance: float) -> Reading:
        word, values = reading.values.get(self.field), self.fields[self.field]
        if word is None:
            return reading
        line = np.cumsum(self.rates[values.index(str(word))])
        place = int(np.searchsorted(line, chance * line[-1], "right"))
        wrong = values[place] if place < len(values) else None
        return Reading(values={**reading.values, self.field: wrong}, confidence=reading.confidence)

    @cached_property
    def _drawn(self) -> list[int]:
        """How many pictures were read before."""
        return [0]
