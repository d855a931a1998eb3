"""Adapters: reversible changes to a model, such as learned words, LoRA or other weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from limn.kernel.encodings import Encodings
from limn.kernel.predictor import Predictor


class Adapter(Protocol):
    """A change to a predictor that is undone when its context ends."""

    def on(self, predictor: Predictor) -> AbstractContextManager[Predictor]:
        """Return a context in which the predictor given back has the change.

        Args:
            predictor: The predictor as loaded; after the context it answers exactly as before.
        """
        ...


@runtime_checkable
class RowAdapter(Adapter, Protocol):
    """A change that single rows of a forward can carry: its questions need no forward of their own."""

    def among(self, rows: Sequence[int]) -> AbstractContextManager[None]:
        """Return a context in which these rows of every forward have the change, and no others.

        Args:
            rows: Places in the batch.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Beside:
    """What a name stands for that is a change to the model that draws, not a model of its own.

    Args:
        weights: SHA-256 of what it was read from.
        adapters: One for each stage.
    """

    weights: str
    adapters: Sequence[Adapter]


@dataclass(frozen=True, kw_only=True, eq=False)
class SecondModel:
    """Another model that answers in place of the first; it reads prompts with its own encoder.

    Args:
        predictor: Of the other model.
        encodings: What the other model's encoder makes of prompts.
    """

    predictor: Predictor
    encodings: Encodings

    @contextmanager
    def on(self, predictor: Predictor) -> Iterator[Predictor]:
        """Give the other model's predictor."""
        yield self.predictor
