"""Adapters: reversible changes to a model, such as learned words, LoRA or other weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError
from limn.kernel.predictor import Predictor

if TYPE_CHECKING:
    from limn.kernel.generator import Generator
    from limn.kernel.guidance import Guidance

__all__ = ["Adapter", "Beside", "Others", "RowAdapter", "SecondModel"]


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


class Others:
    """Other models, and changes to the one that draws, that guidances ask by name; each is loaded once.

    ``load`` turns a name into a generator or a change; :func:`limn.models.load` sets it.

    Args:
        own: The model that draws.
    """

    def __init__(self, own: Generator) -> None:
        self.own = own
        self.load: Callable[[str], Generator | Beside] | None = None
        self._loaded: dict[str, Beside] = {}

    def weights(self, guidances: Iterable[Guidance]) -> dict[str, str]:
        """Return the SHA-256 of the weights of each other model or change, by its name.

        Raises:
            InputError: If one cannot be loaded, or cannot be asked about the states of the first.
        """
        names = {name for each in guidances for name in each.adapters}
        present = {name for stage in self.own.stages for name in stage.adapters}
        return {name: self._get(name).weights for name in sorted(names - present)}

    def adapters(self, guidances: Iterable[Guidance], place: int) -> dict[str, Adapter]:
        """Return the other models that guidances ask at a stage, by name.

        Raises:
            InputError: As :meth:`weights`.
        """
        return {name: self._get(name).adapters[place] for name in self.weights(guidances)}

    def _get(self, name: str) -> Beside:
        if name not in self._loaded:
            if self.load is None:
                raise InputError(f"adapter {name[:200]!r} is not loaded; load it before a guidance names it")
            other = self.load(name)
            if not isinstance(other, Beside):
                _check_alike(name, self.own, other)
                pairs = [(stage.predictor, Encodings(stage.encoder)) for stage in other.stages]
                seconds = [SecondModel(predictor=predictor, encodings=encodings) for predictor, encodings in pairs]
                other = Beside(weights=other.weights, adapters=seconds)
            self._loaded[name] = other
        return self._loaded[name]


def _check_alike(name: str, own: Generator, other: Generator) -> None:
    """Make sure that another model can be asked about the same noisy states."""
    differ = "stages" if len(own.stages) != len(other.stages) else ""
    for one, two in zip(own.stages, other.stages, strict=False):
        if one.predictor.space != two.predictor.space:
            differ = "answers"
        elif one.codec.shape(*own.size) != two.codec.shape(*own.size):
            differ = "states"
        elif one.schedule.levels(one.steps, one.sampler) != two.schedule.levels(one.steps, one.sampler):
            differ = "noise levels"
    if differ:
        raise InputError(f"model {name[:200]!r}: its {differ} are not those of {own.name}; name one of its kind")
