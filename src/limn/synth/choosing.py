"""Which pictures of a set are kept, why the others are not, and which split each belongs to: exact counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from limn.audit.rows import Row
from limn.audit.table import Table
from limn.data.split import unit
from limn.kernel.errors import InputError
from limn.synth.near import Prints, first_of_each

FAILED, JUDGED, TWIN, LEAK = "not drawn", "judged another class", "near-duplicate", "near a test picture"
REASONS = (FAILED, JUDGED, TWIN, LEAK)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What became of each picture of a set.

    Args:
        dropped: Why each was left out, by key.
        splits: The split of each that was kept, by key.
        counts: By class and then by reason or split; they sum to what was asked for.
    """

    dropped: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Pictures in the set."""
        return len(self.splits)


def read_splits(text: str) -> dict[str, float]:
    """Read shares such as ``train=0.9,test=0.1``.

    Raises:
        InputError: They are of another form, or do not sum to 1.

    >>> read_splits("train=0.9,test=0.1")
    {'train': 0.9, 'test': 0.1}
    """
    shares = {}
    for part in text.split(","):
        name, equals, share = part.partition("=")
        try:
            shares[name.strip()] = float(share) if equals else 1.0
        except ValueError:
            shares[name.strip()] = -1.0
    sound = all(share > 0 and name.isidentifier() for name, share in shares.items())
    if not sound or abs(sum(shares.values()) - 1) > 1e-6:
        raise InputError(f"splits: {text[:60]!r} cannot be used; write shares that sum to 1, as train=0.9,test=0.1")
    return shares


def choose(
    table: Table,
    *,
    judged: tuple[str, str, Mapping[str, str]] | None = None,
    twins: bool = True,
    against: Prints | None = None,
    splits: Mapping[str, float] | None = None,
) -> Chosen:
    """Choose the pictures of a set; each is counted once, by the first reason that leaves it out.

    Since of near-duplicates only the first is kept, none stands in two splits.

    Args:
        table: What was drawn and read, one picture a row.
        judged: Reader, field and its word for each class, to keep only what it reads as asked; None keeps all.
        twins: Whether near-duplicates are left out.
        against: Test pictures, whose near-duplicates are left out.
        splits: Share of each split, within every class; all in ``train`` if None.
    """
    dropped = {row.key: FAILED for row in table.rows if not row.drawn}
    if judged is not None:
        reader, name, values = judged
        read = zip(table.rows, table.values(name, by=reader), strict=True)
        wrong = {row.key: JUDGED for row, value in read if value != values[row.group]}
        dropped = {**wrong, **dropped}
    left = [row for row in table.once().rows if row.key not in dropped]
    prints = Prints([table.load(row) for row in left]) if twins or against is not None else None
    if prints is not None and against is not None:
        near = prints.near(against)
        dropped |= {row.key: LEAK for row, others in zip(left, near, strict=True) if len(others)}
    if prints is not None and twins:
        pairs = zip(left, first_of_each(prints), strict=True)
        dropped = {**{row.key: TWIN for row, twin in pairs if twin is not None}, **dropped}
    shared = _shared([row for row in left if row.key not in dropped], splits or {"train": 1.0})
    counts: dict[str, Counter[str]] = {group: Counter() for group in table.groups}
    for row in table.rows:
        counts[row.group][dropped.get(row.key) or shared[row.key]] += 1
    return Chosen(dropped=dropped, splits=shared, counts={group: dict(row) for group, row in counts.items()})


def _shared(rows: Sequence[Row], splits: Mapping[str, float]) -> dict[str, str]:
    """Share out the pictures of each class among splits, to the nearest whole picture."""
    given: dict[str, str] = {}
    for group in dict.fromkeys(row.group for row in rows):
        own = sorted((row.key for row in rows if row.group == group), key=lambda key: unit(f"split:{key}"))
        end, start = 0.0, 0
        for name, share in splits.items():
            end += share
            stop = round(end * len(own))
            given |= dict.fromkeys(own[start:stop], name)
            start = stop
    return given
