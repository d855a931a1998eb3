"""``limn train``: train a model from a recipe."""

from __future__ import annotations

__all__ = ["train"]


def train() -> None:
    """Train a model from a recipe."""
