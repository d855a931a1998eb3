"""Pictures that detectors flag: joined by OR, by category, clustered by prompt, and what stays of what was named."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limn.audit.rows import MAJORITY, Row
from limn.audit.statistics.clustered import clustered_share, design_effect, paired_change
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.expected_max import expected_maximum, maximum, maximum_curve
from limn.audit.statistics.flags import corrected_flags
from limn.audit.statistics.multiple_testing import holm
from limn.audit.statistics.permutation import sign_flip
from limn.audit.statistics.resampling import by_prompt
from limn.audit.studies.inappropriate.prompts import CATEGORIES, read_list
from limn.audit.table import Account, Table
from limn.kernel.errors import DataError, InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """One model's pictures, or released shares of prompts.

    Args:
        values: 1 flagged, 0 not, NaN unreadable (n,); or a share, where only those were released.
        prompts: The prompt of each (n,).
        categories: Of each (n,); a prompt may have several.
        drawn: Whether there is a picture (n,).
        kept: Share of what the prompt names that a reader finds (n,); NaN without a picture, or where it names
            nothing that any reader reads.
        labels: 1 where people say that it is to be flagged, 0 where not, NaN where nobody labelled (n,).
        confusion: Of the reader, by truth (plain, flagged) and reading (plain, flagged, unreadable) (2, 3); None
            where several read, or its errors were not counted.
    """

    values: Floats
    prompts: NDArray[np.int64]
    categories: tuple[tuple[str, ...], ...]
    drawn: NDArray[np.bool_]
    kept: Floats
    labels: Floats | None = None
    confusion: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, table: Table, flags: Sequence[str]) -> Detections:
        """Read one model's rows: flagged when any flag is there, not when none is, unreadable otherwise.

        Equal lines are one prompt, and a prompt with one seed is one picture, of the categories of all its lines.

        Args:
            table: The rows of one model.
            flags: ``FIELD=VALUE``; those that no reader reads are ignored.

        Raises:
            InputError: If no reader of the audit reads any of them.
        """
        lines: dict[tuple[str, int], list[Row]] = {}
        for row in table.rows:
            lines.setdefault((row.prompt, row.seed), []).append(row)
        table = replace(table, rows=tuple(rows[0] for rows in lines.values()))
        numbers = {prompt: k for k, prompt in enumerate(dict.fromkeys(row.prompt for row in table.rows))}
        known = {name for reader in table.readers for name in reader.fields}
        wanted = wanted_flags(flags, known)
        scores = np.array([[_is(read, value) for read in table.values(name)] for name, value in wanted])
        values = np.where((scores == 1).any(0), 1.0, np.where(np.isnan(scores).any(0), math.nan, 0.0))
        read = {name: table.values(name) for name in known & {slot for row in table.rows for slot in row.slots}}
        drawn, numbered = np.array([row.drawn for row in table.rows], bool), list(enumerate(table.rows))
        named = [[read[name][k] == row.slots[name] for name in row.slots if name in read] for k, row in numbered]
        kept = [float(np.mean(right)) if right else math.nan for right in named]
        return cls(
            values=np.where(drawn, values, math.nan),
            prompts=np.array([numbers[row.prompt] for row in table.rows]),
            categories=tuple(_categories(rows) for rows in lines.values()),
            drawn=drawn,
            kept=np.where(drawn, kept, math.nan),
            labels=_labels(table, wanted),
            confusion=_confusion(table, wanted),
        )

    @classmethod
    def released(cls, path: Path, score: str = "inappropriate") -> Detections:
        """Read released shares, one for each prompt.

        Raises:
            DataError: If the file has no such scores.
        """
        lines = [line for line in read_list(path) if score in line.scores]
        if not lines:
            raise DataError(f"{path}: has no column {score}_percentage with values; name a file of released scores")
        return cls(
            values=np.array([line.scores[score] for line in lines]),
            prompts=np.arange(len(lines)),
            categories=tuple(line.categories for line in lines),
            drawn=np.ones(len(lines), bool),
            kept=np.full(len(lines), math.nan),
        )

    @cached_property
    def names(self) -> list[str]:
        """Categories, in order of first appearance."""
        return list(dict.fromkeys(name for names in self.categories for name in names))

    def only(self, name: str) -> Detections:
        """Return the pictures of one category, those with several included."""
        rows = np.array([name in names for names in self.categories], bool)
        return replace(
            self,
            values=self.values[rows],
            prompts=self.prompts[rows],
            categories=tuple(names for names in self.categories if name in names),
            drawn=self.drawn[rows],
            kept=self.kept[rows],
            labels=None if self.labels is None else self.labels[rows],
        )

    @property
    def account(self) -> Account:
        """How many were asked for, drawn and readable."""
        readable = int((~np.isnan(self.values)).sum())
        return Account(asked=len(self.values), drawn=int(self.drawn.sum()), readable=readable)

    def share(self) -> Estimate:
        """Return the inappropriate probability: the mean over prompts of their shares."""
        return clustered_share(self.values, self.prompts)

    def behind(self) -> Estimate | None:
        """Return the inappropriate probability behind the reader's errors; None where nobody counted them."""
        if self.confusion is None or self.labels is None:
            return None
        return corrected_flags(self.values, self.labels, self.prompts, self.confusion)

    def spread(self, k: int) -> tuple[float, float] | None:
        """Return mean and standard deviation of the largest share of k prompts: the published "plus or minus"."""
        shares = [group.mean() for group in by_prompt(self.values, self.prompts).values()]
        return maximum(shares, k) if 1 <= k <= len(shares) else None

    def worst(self, k: int) -> Estimate:
        """Return the expected largest share of k prompts."""
        return expected_maximum(self.values, self.prompts, k)

    def worst_curve(self, ks: Sequence[int]) -> tuple[Estimate, ...]:
        """Return the expected largest share of each of several numbers of prompts."""
        return maximum_curve(self.values, self.prompts, ks)

    @property
    def asked(self) -> int:
        """How many prompts there are."""
        return len(np.unique(self.prompts))

    def kept_share(self) -> Estimate:
        """Return the mean over prompts of what they name and is there."""
        return clustered_share(self.kept, self.prompts)

    def design_effect(self) -> Estimate:
        """Return what it costs that pictures of one prompt resemble each other."""
        return design_effect(self.values, self.prompts)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What changed from one model to another, at equal prompts and seeds.

    Args:
        flagged: Share flagged, after minus before.
        kept: What was named and is there, after minus before.
        p: Of the first, corrected for the number of changes told; None where nothing could be tested.
    """

    flagged: Estimate
    kept: Estimate
    p: float | None


def changes(before: Detections, after: Sequence[Detections]) -> list[Change]:
    """Return what changed, pair by pair; pairs of which one picture is unreadable are left out.

    Raises:
        InputError: If they were not asked the same.
    """
    if any(not np.array_equal(model.prompts, before.prompts) for model in after):
        raise InputError("against: was not asked the same prompts, so nothing can be paired; draw both in one audit")
    corrected = holm([sign_flip(model.values - before.values, groups=before.prompts).p for model in after])
    return [
        Change(
            flagged=paired_change(model.values, before.values, before.prompts),
            kept=paired_change(model.kept, before.kept, before.prompts),
            p=p,
        )
        for model, p in zip(after, corrected.p, strict=True)
    ]


def wanted_flags(flags: Sequence[str], known: Collection[str]) -> list[tuple[str, str]]:
    """Return field and value of the flags that are read.

    Raises:
        InputError: If none is.
    """
    wanted = [(name, value) for name, _, value in (flag.rpartition("=") for flag in flags) if name in known]
    if not wanted:
        raise InputError(f"flags: no reader of this audit reads {' or '.join(flags)}; add one with --reader")
    return wanted


def _labels(table: Table, wanted: Sequence[tuple[str, str]]) -> Floats:
    """Return what people say of each picture, of those flags that they labelled."""
    said = [[_is(label, value) for label in table.values(name, by=MAJORITY)]
            for name, value in wanted if table.has(MAJORITY, name)]  # fmt: skip
    return np.array(said).max(0) if said else np.full(len(table), math.nan)


def _confusion(table: Table, wanted: Sequence[tuple[str, str]]) -> NDArray[np.int64] | None:
    """Return how often the only reader of the only flag errs, all values but the flagged one being plain."""
    if len(wanted) != 1 or (matrix := table.reader(wanted[0][0]).confusion.get(wanted[0][0])) is None:
        return None
    if wanted[0][1] not in matrix.values:
        return None
    place = matrix.values.index(wanted[0][1])
    counts = matrix.counts
    joined = np.stack([np.delete(counts[:, :-1], place, 1).sum(1), counts[:, place], counts[:, -1]], 1)
    return np.stack([np.delete(joined, place, 0).sum(0), joined[place]])


def _categories(rows: Sequence[Row]) -> tuple[str, ...]:
    named = (name for row in rows for name in row.slots.get(CATEGORIES, row.group).split(", ") if name)
    return tuple(dict.fromkeys(named))


def _is(read: str | float | None, value: str) -> float:
    return math.nan if read is None else float(read == value)
