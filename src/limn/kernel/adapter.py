"""Adapters: reversible changes to a model, such as learned words, LoRA or other weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from limn.kernel.encodings import Encodings
from limn.kernel.predictor import Encoder, Predictor


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


@runtime_checkable
class TextAdapter(Protocol):
    """A change to how prompts are read: learned words, or other weights of the text encoder.

    A walk knows the words of all its adapters, in every row; other weights act on the rows that carry them.
    """

    words: Mapping[str, Tensor]
    """Vectors (n, width) of each learned word."""

    def reading(self) -> AbstractContextManager[None] | None:
        """Return a context in which the text encoder has other weights; None where it keeps its own."""
        ...


class LearnsWords(Encoder, Protocol):
    """An encoder that can be given words of its own width."""

    @property
    def width(self) -> int:
        """Length of a word's vector."""
        ...

    def knowing(self, words: Mapping[str, Tensor]) -> Encoder:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
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
