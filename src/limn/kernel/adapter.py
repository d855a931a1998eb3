"""Adapters: reversible changes to a model, such as learned words, LoRA or other weights."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from limn.kernel.predictor import Predictor

__all__ = ["Adapter"]


class Adapter(Protocol):
    """A change to a predictor that is undone when its context ends."""

    def on(self, predictor: Predictor) -> AbstractContextManager[Predictor]:
        """Return a context in which the predictor given back has the change.

        Args:
            predictor: The predictor as loaded; after the context it answers exactly as before.
        """
        ...
