"""A walk from noise to picture, written as a Python generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, Literal, Protocol

from torch import Tensor

from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.registry import Part
from limn.kernel.rng import Streams
from limn.kernel.step import Step

Predict = Callable[[Step], Tensor]
"""Answers a step with the guided clean state (pictures, ...)."""

Grid = Literal["whole", "fractional", "inner", "distilled", "trajectory"]
"""Which timesteps of a discrete schedule a sampler is made for; see :mod:`limn.samplers.levels`."""


class Sampler(Part):
    """Base of every sampler; a subclass is a frozen dataclass in a file of its own name.

    It says how one step is taken (:meth:`advance`), or walks by itself (:meth:`walk`). ``order`` is the convergence
    order, ``calls`` the number of predictions a step takes (a step that ends at the clean state takes one). ``grid``
    says which timesteps of a discrete schedule it is made for; see :mod:`limn.samplers.levels`. ``space`` is what it
    is answered with: ``"clean"`` states or ``"logits"`` over tokens.
    """

    space: ClassVar[str] = "clean"
    order: ClassVar[int] = 1
    calls: ClassVar[int] = 1
    grid: ClassVar[Grid] = "fractional"

    def check(self, name: str, low: int, high: int) -> None:
        """Refuse an option that is not a number from ``low`` to ``high``."""
        value = getattr(self, name)
        if not low <= value <= high:
            own = f"sampler {registry.name_of(self)}: {name}={value}"
            raise InputError(f"{own} is not allowed; give a number from {low} to {high:,}")

    def lands(self, time: float) -> float:
        """Return the timestep that a step to another one passes through; most go straight there."""
        return time

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
        x, total, memory = start, len(levels) - 1, dict[str, Any]()
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=total, x=x, level=here, next=there, streams=streams, memory=memory)
            clean = predict(step)
            x = self.advance(step, clean, predict)
            yield replace(step, x=x, clean=clean)

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Return the state (pictures, ...) at ``step.next``.

        Args:
            step: Where the walk stands; ``memory`` is the sampler's own, ``streams`` gives fresh noise.
            clean: What was predicted for it (pictures, ...).
            predict: For samplers that ask again within a step, with ``primary=False``.
        """
        raise TypeError(f"{type(self).__name__} does not say how to take a step")


class Schedule(Protocol):
    """Which noise levels a network knows, and which of them a sampler visits."""

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels from noise to picture for this sampler.

        Args:
            steps: Steps of the walk.
            sampler: Who walks.
            spacing: How the levels are spaced; the usual way when empty.
            shape: Of the state, for networks whose levels depend on it.
        """
        ...

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        """Return the factor from unit noise to the state at the first level."""
        ...


def fresh_noise(step: Step) -> Tensor:
    """Draw standard normal noise like the state (pictures, ...), of each picture's own stream."""
    assert step.streams is not None, "a walk gives streams"
    return step.streams.normal(step.x.shape[1:]).to(step.x)
