"""Readers: what is represented on a picture, field by field, by a network trained on pictograms.

A value is given where the network is sure enough, else the picture counts as unreadable. How often it errs is
shipped with it, as counts on held-out pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.io.configurations import read_json
from limn.io.files import sha256_of
from limn.kernel.errors import InputError, WeightsError
from limn.models.picture_states import picture_states
from limn.networks.attribute_reader import AttributeReader
from limn.networks.shipped import WEIGHTS

CONFUSION = "confusion.json"
"""The file of thresholds and counts in a reader's folder."""

KINDS = ("soft", "crisp")
"""Held-out pictures as a generator's autoencoder draws them, and as they are."""

_AT_ONCE = 256

names = AttributeReader.names


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was read of one field on some pictures.

    Args:
        values: One a picture; None where nothing can be said.
        confidence: Probability of the likeliest value (pictures,), also where it is too small.
        likely: The likeliest value of each.
    """

    values: tuple[str | None, ...]
    likely: tuple[str, ...]
    confidence: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A network with its thresholds and its errors.

    Args:
        name: What it was asked for by.
        network: The frozen network.
        weights: SHA-256 of its weights, for records.
        thresholds: The least confidence of each field.
        counts: By kind of :data:`KINDS` and by field: counts (values, values + 1) of held-out pictures, rows what
            is shown, columns what was read, the last one for unreadable.
    """

    name: str
    network: AttributeReader
    weights: str
    thresholds: Mapping[str, float]
    counts: Mapping[str, Mapping[str, NDArray[np.int64]]]

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """The values that each field may have; ``none`` says that a picture has nothing of the kind."""
        return {name: tuple(values) for name, values in self.network.config.fields.items()}

    @torch.inference_mode()
    def probabilities(self, pictures: NDArray[np.uint8] | Tensor) -> dict[str, NDArray[np.float32]]:
        """Return how likely each value is.

        Args:
            pictures: RGB pictures (pictures, height, width, 3), 0 to 255, or states (pictures, 3, height, width) in
                [-1, 1]; of another size than the reader's they are scaled to it.

        Returns:
            Of each field (pictures, values); each row sums to 1.

        Raises:
            InputError: Another shape or type.
        """
        states = picture_states(pictures, size=self.network.config.size, channels=3, name=self.name)
        device = next(self.network.parameters()).device
        shares = {name: [torch.zeros(0, len(values))] for name, values in self.fields.items()}
        for part in torch.split(states, _AT_ONCE):
            for name, logits in (self.network(part.to(device)) if len(part) else {}).items():
                shares[name].append(logits.softmax(1).cpu())
        return {name: torch.cat(parts).numpy() for name, parts in shares.items()}

    def read(
        self,
        pictures: NDArray[np.uint8] | Tensor,
        *,
        fields: Sequence[str] = (),
        thresholds: Mapping[str, float] | None = None,
    ) -> dict[str, Read]:
        """Read pictures.

        Args:
            pictures: As for :meth:`probabilities`.
            fields: Which to read; all if empty.
            thresholds: Other least confidences than the reader's own, by field.

        Raises:
            InputError: A field is unknown, or the pictures are of another shape or type.
        """
        wanted = tuple(fields) or tuple(self.fields)
        unknown = sorted({*wanted, *(thresholds or {})} - set(self.fields))
        if unknown:
            raise InputError(f"fields: {unknown[0]} is not read by {self.name}; choose of {', '.join(self.fields)}")
        least, likely = {**self.thresholds, **(thresholds or {})}, self.probabilities(pictures)
        return {name: self._decide(name, likely[name], least[name]) for name in wanted}

    def _decide(self, name: str, likely: NDArray[np.float32], least: float) -> Read:
        values, confidence = self.fields[name], likely.max(1, initial=0)
        chosen = likely.argmax(1).tolist()
        read = (values[k] if sure >= least else None for k, sure in zip(chosen, confidence, strict=True))
        return Read(values=tuple(read), likely=tuple(values[k] for k in chosen), confidence=confidence)


def reader(name: str | Path = "reader", *, device: str = "cpu") -> Reader:
    """Load a reader.

    Args:
        name: ``reader``, another one shipped with limn, or a folder of one.
        device: Where it runs.

    Raises:
        InputError: There is no such reader; the message has the nearest name.
        WeightsError: Its files are missing, damaged, unsafe or do not fit each other.
    """
    folder = AttributeReader.locate(name)
    network = AttributeReader.load(folder, device=device)
    held, fields = read_json(folder / CONFUSION), network.config.fields
    try:
        thresholds = {field: float(held["thresholds"][field]) for field in fields}
        counts = {
            kind: {field: _counts(held[kind][field], len(fields[field])) for field in fields} for kind in KINDS
        }
    except (KeyError, TypeError, ValueError):
        raise WeightsError(
            f"{folder / CONFUSION}: no thresholds and counts of every field; export the reader again"
        ) from None
    weights = sha256_of(folder / WEIGHTS)
    return Reader(name=str(name), network=network, weights=weights, thresholds=thresholds, counts=counts)


def _counts(rows: Any, values: int) -> NDArray[np.int64]:
    counts = np.array(rows, np.int64)
    if counts.shape != (values, values + 1) or (counts < 0).any():
        raise ValueError("no confusion matrix of the field")
    return counts
