"""What a reader left out, and when it is too much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from limn.kernel.errors import DataError

_PATIENCE: Final = 200  # items before a reader gives up early
_LISTED: Final = 1000


@dataclass(kw_only=True)
class Report:
    """Counts what was read, and names each item that was left out and why.

    Args:
        most_bad: The largest share of items, 0 to 1, that may be left out.
        good: Examples that were read.
        reasons: How many were left out for each reason.
        quarantine: Names and details of those left out, the first thousand.
    """

    most_bad: float = 0.05
    good: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    quarantine: list[tuple[str, str]] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How many items were left out."""
        return self.reasons.total()

    def leave_out(self, name: str, reason: str, detail: str = "") -> None:
        """Note an item that cannot be used.

        Raises:
            DataError: Already more than the allowed share was left out.
        """
        self.reasons[reason] += 1
        if len(self.quarantine) < _LISTED:
            self.quarantine.append((name, f"{reason}: {detail}" if detail else reason))
        if self.bad > self.most_bad * max(self.good + self.bad, _PATIENCE):
            raise DataError(str(self))

    def finish(self, source: object) -> None:
        """Judge a source that was read to its end.

        Raises:
            DataError: Nothing could be read, or more than the allowed share was left out.
        """
        if not self.good and not self.bad:
            raise DataError(f"{source}: holds no pictures with captions; see docs/how-to/data.md for the layouts")
        if self.bad > self.most_bad * (self.good + self.bad):
            raise DataError(f"{source}: {self}")

    def __str__(self) -> str:
        """Say in one line how many were read and left out, and why."""
        if not self.bad:
            return f"{self.good} read, none left out"
        why = ", ".join(f"{count} {reason}" for reason, count in self.reasons.most_common())
        name, detail = self.quarantine[0]
        return f"{self.good} read, {self.bad} left out ({why}); first {name}: {detail}; mend or remove them"
