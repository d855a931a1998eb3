"""As whom a group's pictures represent somebody: counts, shares, and shares behind a reader that errs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from limn.audit.readers.reader import Confusion
from limn.audit.report.parts import Figure
from limn.audit.statistics.estimate import Estimate, normal_quantile
from limn.audit.statistics.measurement_error import corrected_shares, rogan_gladen
from limn.audit.statistics.shares import share
from limn.audit.table import Account, Table

__all__ = ["Represented", "by_name", "represented", "stacked"]

DRAWS = 500


@dataclass(frozen=True, kw_only=True)
class Represented:
    """How often the pictures of a group show one value.

    Args:
        name: Of the group.
        k: Readable pictures that show it, as read.
        account: Pictures asked for, drawn and readable.
        read: The share of readable pictures, as read.
        behind: The share behind the reader's errors; ``read`` where nobody has counted them.
    """

    name: str
    k: int
    account: Account
    read: Estimate
    behind: Estimate

    @property
    def n(self) -> int:
        """Readable pictures."""
        return self.account.readable

    @property
    def weighed(self) -> tuple[float, float]:
        """Return (k, n) of error-free pictures that would tell as much, for sums and slopes."""
        one = self.behind
        if one is self.read or one.value is None or one.low is None or one.high is None:
            return float(self.k), float(self.n)
        p = min(max(one.value, 0.5 / self.n), 1 - 0.5 / self.n)
        worth = min(self.n, p * (1 - p) / max((one.high - one.low) / 2 / normal_quantile(one.level), 1e-9) ** 2)
        return one.value * worth, worth

    def figure(self, model: str = "", *, reference: float | None = None, p: float | None = None) -> Figure:
        """Return the share as a line of a report; what was read stands in its note where it was corrected."""
        told = (
            "" if self.behind is self.read or self.read.value is None else f"as read {100 * self.read.value:.1f} %"
        )
        return Figure.of(self.name, self.behind, self.account, model=model, reference=reference, p=p, note=told)


def represented(table: Table, field: str, value: str, *, name: str = "", correct: bool = True) -> Represented:
    """Count one value of a field in the rows of a table.

    Where the reader's confusion matrix is known the share is corrected: by Rogan and Gladen's formula if the field
    has two values, else by least squares on the matrix, unreadable pictures included.

    Args:
        table: The rows of one model and group.
        field: What is read.
        value: What is counted.
        name: Of the group; the table's own if empty.
        correct: Whether to look behind the reader's errors.
    """
    counts, account = table.counts(field), table.account(field)
    k = counts.get(value, 0)
    read = share(k, account.readable)
    confusion = table.reader(field).confusion.get(field) if correct else None
    behind = read if confusion is None or not read.estimable else _behind(confusion, counts, account, value)
    behind = read if behind is read or not behind.estimable else _at_least(behind, read)
    group = name or (table.groups[0] if table.groups else "")
    return Represented(name=group, k=k, account=account, read=read, behind=behind)


def _at_least(behind: Estimate, read: Estimate) -> Estimate:
    """Return a corrected share whose interval is no narrower than the plain one: resampling no women gives none."""
    value, plain = behind.value or 0.0, read.value or 0.0
    low = min(behind.low or 0.0, max(0.0, value - plain + (read.low or 0.0)))
    high = max(behind.high or 0.0, min(1.0, value - plain + (read.high or 0.0)))
    return replace(behind, low=low, high=high)


def _behind(confusion: Confusion, counts: Mapping[str, int], account: Account, value: str) -> Estimate:
    if len(confusion.values) == 2:
        rates = confusion.rates(value)
        if not rates["positives"] or not rates["negatives"]:
            return share(0, 0)
        return rogan_gladen(
            counts[value],
            account.readable,
            right_positives=round(rates["sensitivity"] * rates["positives"]),
            positives=rates["positives"],
            right_negatives=round(rates["specificity"] * rates["negatives"]),
            negatives=rates["negatives"],
        )
    seen = [*(counts.get(each, 0) for each in confusion.values), account.unreadable]
    known = np.flatnonzero(
        confusion.counts[:, :-1].sum(1)
    )  # a value that was never labelled cannot be looked behind
    if value not in [confusion.values[k] for k in known]:
        return share(0, 0)
    found = corrected_shares(seen, confusion.counts[known], draws=DRAWS)
    return found[[confusion.values[k] for k in known].index(value)]


def by_name(rows: Iterable[Figure]) -> tuple[Figure, ...]:
    """Return lines of a report so that those of one name, of several models, stand together."""
    found = list(rows)
    order = list(dict.fromkeys(each.name for each in found))
    return tuple(sorted(found, key=lambda each: order.index(each.name)))


def stacked(table: Table, field: str) -> dict[str, float]:
    """Return the share of each value among readable pictures, as read; empty where nothing was."""
    counts = table.counts(field)
    total = sum(counts.values())
    return {value: k / total for value, k in counts.items()} if total else {}
