"""Experts for noise levels: exactly one answers at each step (Balaji et al. 2022, section 4.1)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from limn.kernel.adapter import Adapter
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning, Predictor
from limn.predictors.diffusion import Diffusion, Target


@dataclass(frozen=True, eq=False)
class Instead:
    """An expert that is a network of its own and reads the same conditioning.

    Args:
        predictor: Answers in place of the other.
    """

    predictor: Predictor

    @contextmanager
    def on(self, predictor: Predictor) -> Iterator[Predictor]:
        """Give it."""
        yield self.predictor


@dataclass(frozen=True, kw_only=True, eq=False)
class ByLevel:
    """A network that is changed by the expert of the level at hand.

    Args:
        parent: The network as it is.
        experts: Its changes, from low noise to high.
        bounds: Where each expert but the first begins, in the time that the network is told, rising.

    Raises:
        InputError: Bounds do not part the levels between the experts.
    """

    parent: Diffusion
    experts: Sequence[Adapter]
    bounds: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.bounds) + 1 != len(self.experts) or sorted(set(self.bounds)) != list(self.bounds):
            raise InputError("experts: their noise levels must follow each other without gap or overlap")

    @property
    def space(self) -> str:
        """As the parent answers."""
        return self.parent.space

    @property
    def network(self) -> Any:
        """The parent's network."""
        return self.parent.network

    @property
    def target(self) -> Target:
        """What the parent was trained to answer."""
        return self.parent.target

    def place(self, time: float) -> int:
        """Return which expert answers at a time; an interval holds its lower end.

        >>> ByLevel(parent=None, experts=[0, 0], bounds=[0.5]).place(0.5)
        1
        """
        return bisect_right(self.bounds, time)

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        """Answer each row by the expert of the level; see :class:`limn.kernel.predictor.Predictor`."""
        with self.experts[self.place(level.time)].on(self.parent) as predictor:
            return predictor(x, level, conditioning, edits)

    def flops(self, x: Tensor, conditioning: Conditioning) -> int:
        """Return the floating-point operations of one answer of the parent."""
        return self.parent.flops(x, conditioning)
