"""Edits: a picture that exists is where a walk starts, and what is known of it stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from limn.kernel.registry import Part
from limn.kernel.stage import Stage
from limn.kernel.step import Step
from limn.kernel.walk import Walk

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
"""A picture (height, width, 3)."""


class Edit(Part):
    """Base of every edit; a subclass is a frozen dataclass in a file of its own name, and holds the picture."""

    def start(self, stage: Stage, size: tuple[int, int]) -> Tensor:
        """Return the state that stands for the picture, (1, *state).

        Args:
            stage: The generator's main stage, or one that refines what that stage drew.
            size: Height and width in pixels.

        Raises:
            InputError: The stage cannot edit in this way.
        """
        raise TypeError(f"{type(self).__name__} does not say where to start")

    def check(self, stage: Stage, size: tuple[int, int]) -> None:
        """Refuse a stage that cannot edit in this way, before anything is drawn.

        Raises:
            InputError: As :meth:`start`.
        """
        self.start(stage, size)

    def steps(self, count: int) -> int:
        """Return how many steps are walked where ``count`` are asked for."""
        return count

    def given(self, stage: Stage, size: tuple[int, int]) -> Mapping[str, Tensor]:
        """Return what the stage's encoder is given besides what earlier stages made, by name, each (1, ...)."""
        return {}

    def walk(self, walk: Walk, stage: Stage, size: tuple[int, int]) -> Iterator[Step]:
        """Walk from where the picture stands.

        Args:
            walk: As it would be without the edit.
            stage: As for :meth:`start`.
            size: Height and width in pixels.

        Yields:
            Each step; see :meth:`limn.kernel.stage.Stage.walk`.
        """
        start = self.start(stage, size)
        yield from walk(start.expand(len(walk.streams), *start.shape[1:]))

    def finish(self, stage: Stage, drawn: Pixels) -> Pixels:
        """Return the picture that a person gets, made of what was drawn.

        Args:
            stage: The last stage.
            drawn: (height, width, 3).
        """
        return drawn
