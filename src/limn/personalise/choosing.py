"""When to stop, and which step to keep: least held-out loss and drift, among steps that learned and do not copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

COPIES: Final = 0.5
"""Share of drawn pictures that may be copies, where any step stays below it."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured at a step.

    Args:
        step: Steps done.
        held: Mean squared error on what is held out, at fixed noise and levels.
        drift: Mean squared change of the answers that should have stayed, at fixed noise and levels.
        copies: Share of drawn pictures that repeat a learned one.
        facts: What else is told.
    """

    step: int
    held: float
    drift: float
    copies: float
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """What the kept step has least of."""
        return self.held + self.drift


def best(history: Sequence[Measured]) -> int:
    """Return the place of the step to keep: one that learned something, where any did.

    >>> best([Measured(step=0, held=3, drift=0, copies=0), Measured(step=9, held=1, drift=1, copies=0)])
    1
    """
    places = [place for place, one in enumerate(history) if one.copies <= COPIES] or [*range(len(history))]
    places = [place for place in places if history[place].held < history[0].held] or places
    return min(places, key=lambda place: history[place].score)


def finished(history: Sequence[Measured], patience: int) -> bool:
    """Say whether nothing better has come for so many measurements."""
    return len(history) - 1 - best(history) >= patience
