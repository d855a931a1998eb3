"""Edits: a picture that exists is where a walk starts, and what is known of it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from limn.kernel.registry import Part

if TYPE_CHECKING:
    from limn.kernel.stage import Stage

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
"""A picture (height, width, 3)."""


class Edit(Part):
    """Base of every edit; a subclass is a frozen dataclass in a file of its own name, and holds the picture."""

    def start(self, stage: Stage, size: tuple[int, int]) -> Tensor:
        """Return the state from which a stage walks, (1, *state).

        Args:
            stage: The generator's main stage, or one that refines what that stage drew.
            size: Height and width in pixels.

        Raises:
            InputError: The stage cannot edit in this way.
        """
        raise TypeError(f"{type(self).__name__} does not say where to start")

    def finish(self, stage: Stage, drawn: Pixels) -> Pixels:
        """Return the picture that a person gets, made of what was drawn.

        Args:
            stage: The last stage.
            drawn: (height, width, 3).
        """
        return drawn
