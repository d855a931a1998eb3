"""As whom a group's pictures represent somebody: counts, shares, and shares behind a reader that errs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.reader import Confusion
from limn.audit.rows import MAJORITY
from limn.audit.statistics.estimate import Share, normal_quantile
from limn.audit.statistics.measurement_error import corrected_shares
from limn.audit.statistics.shares import share
from limn.audit.table import Account, Table

DRAWS = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """What a corrected share is made of.

    Args:
        counts: Pictures without a label by reading (M,), the last one for unreadable.
        confusion: Labelled pictures by truth and reading (K, M), of the values that were labelled.
        of: Which of these is counted.
        among: Which of these are the whole.
        truths: Pictures that people labelled, by value (K,).
    """

    counts: tuple[int, ...]
    confusion: NDArray[np.int64]
    of: int
    among: tuple[int, ...]
    truths: tuple[int, ...]

    def share(self) -> Share:
        """Return the share behind the reader's errors."""
        truths = self.truths if any(self.truths) else None
        return corrected_shares(self.counts, self.confusion, truths=truths, among=self.among, draws=DRAWS)[self.of]


@dataclass(frozen=True, kw_only=True)
class GroupShare:
    """How often the pictures of a group show one value.

    Args:
        name: Of the group.
        k: Readable pictures that show it, as read.
        account: Pictures asked for, drawn and readable.
        read: The share of readable pictures of the values that are the whole, as read.
        behind: The share behind the reader's errors; ``read`` where nobody has counted them.
        readings: Pictures by reading, what the correction rests on; None where there was none.
    """

    name: str
    k: int
    account: Account
    read: Share
    behind: Share
    readings: Readings | None = None

    @property
    def n(self) -> int:
        """Readable pictures of the values that are the whole."""
        return self.read.n

    @property
    def weighed(self) -> tuple[float, float]:
        """Return (k, n) of error-free pictures that would tell as much, for sums and slopes."""
        behind = self.behind
        if behind is self.read or behind.value is None or behind.low is None or behind.high is None:
            return float(self.k), float(self.n)
        p = min(max(behind.value, 0.5 / self.n), 1 - 0.5 / self.n)
        deviation = (behind.high - behind.low) / 2 / normal_quantile(behind.level)
        worth = min(self.n, p * (1 - p) / max(deviation, 1e-9) ** 2)
        return behind.value * worth, worth


def group_share(
    table: Table, field: str, value: str, *, among: Collection[str] = (), name: str = "", correct: bool = True
) -> GroupShare:
    """Count one value of a field in the rows of a table.

    Where the reader's confusion matrix is known the share is corrected by it: that of all pictures, if what makes
    drawn pictures harder to read than labelled ones does so for all values alike. Pictures that people labelled
    count as labelled, and only the others by the reader.

    Args:
        table: The rows of one model and group.
        field: What is read.
        value: What is counted.
        among: Values that are the whole, where a reference knows no others; all if empty.
        name: Of the group; the table's own if empty.
        correct: Whether to look behind the reader's errors.
    """
    table = table.once()
    counts, account = table.counts(field), table.account(field)
    k = counts.get(value, 0)
    read = share(k, sum(count for name, count in counts.items() if not among or name in among))
    confusion = table.reader(field).confusion.get(field) if correct else None
    readings = None if confusion is None or not read.estimable else _readings(table, field, confusion, value, among)
    behind = read if readings is None else readings.share()
    behind, readings = (read, None) if not behind.estimable else (behind, readings)
    behind = behind if readings is None else _at_least(replace(behind, n=read.n), read)
    group = name or next(iter(table.groups), "")
    return GroupShare(name=group, k=k, account=account, read=read, behind=behind, readings=readings)


def _at_least(behind: Share, read: Share) -> Share:
    """Return a corrected share whose interval is no narrower than the plain one: resampling no women gives none."""
    value, plain = behind.value or 0.0, read.value or 0.0
    low = min(behind.low or 0.0, max(0.0, value - plain + (read.low or 0.0)))
    high = max(behind.high or 0.0, min(1.0, value - plain + (read.high or 0.0)))
    return replace(behind, low=low, high=high)


def _readings(table: Table, field: str, confusion: Confusion, value: str, among: Collection[str]) -> Readings | None:
    """Return what a correction needs; a value that was never labelled cannot be looked behind."""
    known = np.flatnonzero(confusion.counts[:, :-1].sum(1))
    values = [confusion.values[k] for k in known]
    if value not in values:
        return None
    people = table.values(field, by=MAJORITY) if table.has(MAJORITY, field) else [None] * len(table)
    pairs = list(zip(table.rows, people, table.values(field), strict=True))
    machine = Counter(read for row, truth, read in pairs if row.drawn and truth not in values)
    truths = Counter(truth for row, truth, _ in pairs if row.drawn)
    return Readings(
        counts=tuple(machine[name] for name in (*confusion.values, None)),
        confusion=confusion.counts[known],
        of=values.index(value),
        among=tuple(k for k, name in enumerate(values) if not among or name in among),
        truths=tuple(truths[name] for name in values),
    )
