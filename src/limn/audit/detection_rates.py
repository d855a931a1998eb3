"""Pictures that detectors flag: joined by OR, by category, clustered by prompt, and what stays of what was named."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limn.audit.prompt_lists import read_list
from limn.audit.report.parts import Curves, Figure, Line, Listing
from limn.audit.report.words import spoken
from limn.audit.statistics.clustered import clustered_mean, design_effect
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.expected_max import expected_maximum, maximum, maximum_curve
from limn.audit.statistics.multiple_testing import holm
from limn.audit.statistics.permutation import mcnemar
from limn.audit.statistics.resampling import by_prompt
from limn.audit.table import Account, Table
from limn.kernel.errors import DataError, InputError

__all__ = ["CATEGORIES", "Change", "Flagged", "changes", "curves", "differences", "published", "shares"]

CATEGORIES = "categories"
"""The slot that lists a prompt's categories, separated by commas."""

KS = (1, 2, 5, 10, 25, 50, 100, 200)
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Flagged:
    """One model's pictures, or released shares of prompts.

    Args:
        values: 1 flagged, 0 not, NaN unreadable (n,); or a share, where only those were released.
        prompts: The prompt of each (n,).
        categories: Of each (n,); a prompt may have several.
        drawn: Whether there is a picture (n,).
        kept: Share of what the prompt names that a reader finds (n,); NaN without a picture, or where it names
            nothing that any reader reads.
    """

    values: Floats
    prompts: NDArray[np.int64]
    categories: tuple[tuple[str, ...], ...]
    drawn: NDArray[np.bool_]
    kept: Floats

    @classmethod
    def of(cls, table: Table, flags: Sequence[str]) -> Flagged:
        """Read one model's rows: flagged when any flag is there, not when none is, unreadable otherwise.

        Args:
            table: The rows of one model.
            flags: ``FIELD=VALUE``; those that no reader reads are ignored.

        Raises:
            InputError: If no reader of the audit reads any of them.
        """
        known = {name for reader in table.readers for name in reader.fields}
        wanted = [(name, value) for name, _, value in (each.rpartition("=") for each in flags) if name in known]
        if not wanted:
            raise InputError(f"flags: no reader of this audit reads {' or '.join(flags)}; add one with --reader")
        said = np.array([[_is(each, value) for each in table.values(name)] for name, value in wanted])
        values = np.where((said == 1).any(0), 1.0, np.where(np.isnan(said).any(0), math.nan, 0.0))
        read = {name: table.values(name) for name in known & {slot for row in table.rows for slot in row.slots}}
        drawn, numbered = np.array([row.drawn for row in table.rows], bool), list(enumerate(table.rows))
        named = [[read[name][k] == row.slots[name] for name in row.slots if name in read] for k, row in numbered]
        kept = [float(np.mean(found)) if found else math.nan for found in named]
        return cls(
            values=np.where(drawn, values, math.nan),
            prompts=np.array([row.ask for row in table.rows]),
            categories=tuple(
                tuple(filter(None, row.slots.get(CATEGORIES, row.group).split(", "))) for row in table.rows
            ),
            drawn=drawn,
            kept=np.where(drawn, kept, math.nan),
        )

    @classmethod
    def released(cls, path: Path, score: str = "inappropriate") -> Flagged:
        """Read released shares, one for each prompt.

        Raises:
            DataError: If the file has no such scores.
        """
        lines = [each for each in read_list(path) if score in each.scores]
        if not lines:
            raise DataError(f"{path}: has no column {score}_percentage with values; name a file of released scores")
        return cls(
            values=np.array([each.scores[score] for each in lines]),
            prompts=np.arange(len(lines)),
            categories=tuple(each.categories for each in lines),
            drawn=np.ones(len(lines), bool),
            kept=np.full(len(lines), math.nan),
        )

    @cached_property
    def names(self) -> list[str]:
        """Categories, in order of first appearance."""
        return list(dict.fromkeys(name for each in self.categories for name in each))

    def only(self, name: str) -> Flagged:
        """Return the pictures of one category, those with several included."""
        rows = np.array([name in each for each in self.categories], bool)
        return replace(
            self,
            values=self.values[rows],
            prompts=self.prompts[rows],
            categories=tuple(each for each in self.categories if name in each),
            drawn=self.drawn[rows],
            kept=self.kept[rows],
        )

    @property
    def account(self) -> Account:
        """How many were asked for, drawn and readable."""
        readable = int((~np.isnan(self.values)).sum())
        return Account(asked=len(self.values), drawn=int(self.drawn.sum()), readable=readable)

    def share(self) -> Estimate:
        """Return the inappropriate probability: the mean over prompts of their shares."""
        found = clustered_mean(self.values, self.prompts)
        if found.low is None or found.high is None:
            return found
        return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))

    def worst_case(self) -> float | None:
        """Return the share if every picture that cannot be read were flagged; None where there is no picture."""
        seen = self.values[self.drawn]
        return float(np.where(np.isnan(seen), 1.0, seen).mean()) if len(seen) else None

    def spread(self, k: int) -> tuple[float, float] | None:
        """Return mean and standard deviation of the largest share of k prompts: the published "plus or minus"."""
        shares = [group.mean() for group in by_prompt(self.values, self.prompts).values()]
        return maximum(shares, k) if 1 <= k <= len(shares) else None

    def told(self, at: int) -> str:
        """Return the main figures in words, with the expected maximum of so many prompts."""
        kept, many = clustered_mean(self.kept, self.prompts), len(np.unique(self.prompts))
        worst = spoken(expected_maximum(self.values, self.prompts, at))
        told = [f"{spoken(self.share())} flagged", f"the worst of {at} prompts {worst}"]
        if many < self.account.readable:
            effect = design_effect(self.values, self.prompts)
            told += [] if effect.value is None else [f"design effect {effect.value:.1f}"]
        if kept.estimable:
            told.append(f"of what was named {spoken(kept)} is there")
        return ", ".join(told) + "."


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


def changes(before: Flagged, after: Sequence[Flagged]) -> list[Change]:
    """Return what changed, pair by pair; pairs of which one picture is unreadable are left out.

    Raises:
        InputError: If they were not asked the same.
    """
    if any(not np.array_equal(each.prompts, before.prompts) for each in after):
        raise InputError("against: was not asked the same prompts, so nothing can be paired; draw both in one audit")
    told = holm([mcnemar(each.values, before.values).p for each in after])
    return [
        Change(
            flagged=clustered_mean(each.values - before.values, before.prompts),
            kept=clustered_mean(each.kept - before.kept, before.prompts),
            p=p,
        )
        for each, p in zip(after, told.p, strict=True)
    ]


def _is(said: str | float | None, value: str) -> float:
    return math.nan if said is None else float(said == value)


def shares(seen: Mapping[str, Flagged]) -> tuple[Figure, ...]:
    """Return the share of each category and of all, models of one category together."""
    rows = []
    for kind in ("all", *next(iter(seen.values())).names):
        for model, one in seen.items():
            part = one if kind == "all" else one.only(kind)
            account, worst = part.account, part.worst_case()
            lost = f"up to {100 * (worst or 0):.1f} % if unreadable ones were flagged" if account.unreadable else ""
            lost = lost if kind == "all" else ""
            rows.append(Figure.of(kind, part.share(), account, model=model, note=lost))
    return tuple(rows)


def differences(seen: Mapping[str, Flagged]) -> tuple[Figure, ...]:
    """Return what changed from the first to each of the others."""
    (_, first), *others = seen.items()
    rows = []
    for (name, _), told in zip(others, changes(first, [each for _, each in others]), strict=True):
        rows.append(Figure.of(name, told.flagged, model="flagged", p=told.p))
        if told.kept.estimable:
            rows.append(Figure.of(name, told.kept, model="what was named is there"))
    return tuple(rows)


def curves(seen: Mapping[str, Flagged]) -> Curves:
    """Return the expected maximum over the number of prompts, up to a tenth of them."""
    lines = []
    for model, one in seen.items():
        most = max(2, len(np.unique(one.prompts)) // 10)
        found = maximum_curve(one.values, one.prompts, ks := [k for k in KS if k <= most])
        told = [(k, e.value, e.low, e.high) for k, e in zip(ks, found, strict=True) if e.value is not None]
        x, y, low, high = (
            (tuple(float(each or 0) for each in column) for column in zip(*told, strict=True)) if told else [()] * 4
        )
        lines.append(Line(name=model, x=x, y=y, low=low, high=high))
    note = "It saturates: where the curve is near 1, it tells nothing of how models differ."
    return Curves(title="Largest share among k prompts", lines=tuple(lines), x="k", y="expected maximum", note=note)


def published(seen: Mapping[str, Flagged], at: int) -> Listing:
    """Return the table as it is published: the deviation is that of one maximum, and no interval."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for model, one in seen.items():
        for kind, part in (("all", one), *((each, one.only(each)) for each in one.names)):
            mean, deviation = part.spread(at) or (None, None)
            many = len(np.unique(part.prompts))
            told = [None if each is None else round(100 * each, 2) for each in (part.share().value, mean, deviation)]
            rows.append((model, kind, many, *told))
    columns = ("", "category", "prompts", "flagged, %", f"largest of {at}, %", "± of one maximum, %")
    return Listing(title="As published", columns=columns, rows=tuple(rows))
