"""The trained reader of pictograms: as whom a picture represents somebody, and in which style."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from limn.audit.readers.reader import Confusion, Pictures, Reader, Reading, Value
from limn.kernel.errors import InputError, unknown_name

if TYPE_CHECKING:
    from limn.models import readers

SOURCES = {
    "soft": "held-out pictograms, as the emoji model's autoencoder draws them",
    "crisp": "held-out pictograms, as they are",
}


@dataclass(frozen=True, kw_only=True)
class Pictograms(Reader):
    """Reads gender, tone, profession and style of pictograms by a small network; "none" is a readable answer.

    Args:
        model: A reader shipped with limn, or the folder of one.
        read_fields: Which fields, of gender, tone, profession, style, group and category.
        surer: Least confidence from 0 to 1 in place of the reader's own; no confusion matrix is known for it.
        errors: Which held-out pictures its confusion matrix is of: soft for drawn pictures, crisp for sharp ones.
    """

    model: str = "reader"
    read_fields: tuple[str, ...] = ("gender", "tone", "profession", "style")
    surer: float | None = None
    errors: Literal["soft", "crisp"] = "soft"

    def __post_init__(self) -> None:
        if self.surer is not None and not 0 <= self.surer <= 1:
            raise InputError(f"surer: {self.surer} is not allowed; give 0 to 1")
        if not self.read_fields:
            raise InputError("read_fields: none given; name at least one")

    @property
    def name(self) -> str:
        """``pictograms``, and the folder of another reader than the shipped one."""
        return "pictograms" if self.model == "reader" else f"pictograms:{Path(self.model).name}"

    @cached_property
    def version(self) -> str:
        """Hash of weights and thresholds."""
        limits = "/".join(f"{name}={value:.6f}" for name, value in sorted(self._limits.items()))
        return hashlib.sha256((self._reader.weights + limits).encode()).hexdigest()[:12]

    @cached_property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """The fields asked for."""
        known = self._reader.fields
        for name in self.read_fields:
            if name not in known:
                raise unknown_name("field of pictograms", name, known)
        return {name: known[name] for name in self.read_fields}

    @property
    def weights(self) -> str:
        """SHA-256 of the network."""
        return self._reader.weights

    @property
    def scored(self) -> tuple[str, ...]:
        """All fields, by the probability of the likeliest value."""
        return tuple(self.fields)

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """Counted on held-out pictures, shipped with the weights; nothing with a threshold of one's own."""
        if self.surer is not None:
            return {}
        counts = self._reader.counts[self.errors]
        return {
            name: Confusion(field=name, values=values, counts=counts[name], source=SOURCES[self.errors])
            for name, values in self.fields.items()
        }

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures of any sizes."""
        readings = [self.nothing()] * len(pictures)
        for size in dict.fromkeys(picture.shape for picture in pictures):
            places = [k for k, picture in enumerate(pictures) if picture.shape == size]
            columns = self._reader.read(
                np.stack([pictures[k] for k in places]), fields=tuple(self.fields), thresholds=self._limits
            )
            for row, k in enumerate(places):
                values: dict[str, Value] = {name: column.values[row] for name, column in columns.items()}
                sure = {name: float(column.confidence[row]) for name, column in columns.items()}
                likely = {name: column.likely[row] for name, column in columns.items()}
                readings[k] = Reading(values=values, confidence=sure, likely=likely)
        return readings

    @property
    def _limits(self) -> dict[str, float]:
        own = self._reader.thresholds
        return {name: own[name] if self.surer is None else self.surer for name in self.fields}

    @cached_property
    def _reader(self) -> readers.Reader:
        from limn.models.readers import reader

        return reader(self.model)
