"""Training: recipes, losses, the loop, checkpoints and export."""

from __future__ import annotations

__all__: list[str] = []
