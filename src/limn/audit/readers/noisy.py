"""A reader made worse on purpose, by known rates, to find out whether corrections for its errors hold."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.reader import Confusion, Pictures, Reader, Reading

__all__ = ["Noisy"]

# Numbers of random streams that nobody else draws from: a seed of zeros alone would give the stream of seed 0.
COUNTS, ERRORS = 727_001, 727_002


@dataclass(frozen=True, kw_only=True, eq=False)
class Noisy:
    """Another reader whose words for one field are changed by chance.

    Args:
        reader: The reader that is made worse.
        field: Which field.
        rates: Probability (values, values + 1) of saying the column when the reader says the row; the last column is
            "unreadable". Rows sum to one.
        calibration: Labelled pictures of each value from which its confusion matrix is counted; 0 for none.
        seed: Of the errors; equal pictures are not misread alike, only the same picture in the same place.
    """

    reader: Reader
    field: str
    rates: NDArray[np.float64]
    calibration: int = 200
    seed: int = 0
    name: str = "degraded"
    _drawn: list[int] = dataclasses.field(default_factory=lambda: [0], init=False, repr=False)

    @property
    def version(self) -> str:
        """Of the reader below, with the rates."""
        rates = hashlib.sha256(np.ascontiguousarray(self.rates, np.float64).tobytes()).hexdigest()[:8]
        return f"{self.reader.version}+{rates}+{self.seed}"

    @property
    def threshold(self) -> float:
        """Of the reader below."""
        return self.reader.threshold

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Of the reader below."""
        return self.reader.fields

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """Counted on labelled pictures that are drawn for it, as a real reader's would be."""
        values = self.fields[self.field]
        if not self.calibration:
            return dict(self.reader.confusion)
        rng = np.random.default_rng([COUNTS, self.seed])
        counts = np.stack([rng.multinomial(self.calibration, row) for row in self.rates])
        source = f"{self.calibration} labelled pictures of each value"
        return {
            **self.reader.confusion,
            self.field: Confusion(field=self.field, values=values, counts=counts, source=source),
        }

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures, and err."""
        rng = np.random.default_rng([ERRORS, self.seed, self._drawn[0]])
        self._drawn[0] += len(pictures)
        values = self.fields[self.field]
        told = []
        for said in self.reader.read(pictures):
            word, chance = said.values.get(self.field), rng.random()
            if word is not None:
                line = np.cumsum(self.rates[values.index(str(word))])
                place = int(np.searchsorted(line, chance * line[-1], "right"))
                word = values[place] if place < len(values) else None
            told.append(Reading(values={**said.values, self.field: word}, confidence=said.confidence))
        return told
