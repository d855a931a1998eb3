"""A walk from noise to picture, written as a Python generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal, Protocol

from torch import Tensor

from limn.kernel.registry import Part
from limn.kernel.rng import Streams
from limn.kernel.step import Level, Step

__all__ = ["Predict", "Sampler", "Schedule"]

Predict = Callable[[Step], Tensor]
"""Answers a step with the guided clean state (pictures, ...)."""


class Sampler(Part):
    """Base of every sampler; a subclass is a frozen dataclass in a file of its own name.

    ``order`` is the convergence order, ``calls`` the number of predictions a step takes (a step that ends at the
    clean state takes one). ``spacing`` and ``grid`` say how a schedule of discrete timesteps places the levels for
    this sampler, unless the schedule says otherwise; see :mod:`limn.samplers.levels`. ``space`` is what it is
    answered with: ``"clean"`` states or ``"logits"`` over tokens.
    """

    space: ClassVar[str] = "clean"
    order: ClassVar[int] = 1
    calls: ClassVar[int] = 1
    spacing: ClassVar[Literal["leading", "trailing", "linspace"]] = "linspace"
    grid: ClassVar[Literal["whole", "fractional", "inner"]] = "fractional"

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk from ``start`` through the noise levels.

        Args:
            predict: Answers a step with the clean state.
            start: State at ``levels[0]`` (pictures, ...).
            levels: One more than there are steps; the last is where the walk ends.
            streams: Random streams, one for each picture.

        Yields:
            After each step, the step with ``x`` at ``next`` and ``clean`` as predicted.
        """
        raise TypeError(f"{type(self).__name__} does not say how to walk")


class Schedule(Protocol):
    """Which noise levels a network knows, and which of them a sampler visits."""

    def levels(self, steps: int, sampler: Sampler) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels from noise to picture for this sampler."""
        ...

    def start_scale(self, steps: int, sampler: Sampler) -> float:
        """Return the factor from unit noise to the state at the first level."""
        ...
