"""What a report is made of: plain data, drawn as a page or written as JSON elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from limn.audit.statistics.estimate import Estimate, Share
from limn.audit.statistics.measurement_error import bounds
from limn.audit.table import Account


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One estimated number.

    Args:
        name: What it is of, short, as a row's label.
        value: The estimate; None is "not estimable".
        low: Lower end of its interval.
        high: Upper end.
        reference: What it is compared with, drawn as a mark.
        p: Probability of so much under no difference, after correction for the number of tests where there is one.
        asked: Pictures asked for.
        drawn: Pictures that were drawn.
        readable: Pictures of which the field could be read.
        model: Which model it is of, where there are several.
        method: How value and interval came about, for example ``"Wilson"``.
        note: Anything else, short; why it is not estimable.
        n: What else it rests on, for example ``"34 concepts"``.
        bounds: What a share of readable pictures would be if none, or all, of the unreadable ones counted.
        where: Which pictures it rests on, by ``model``, ``group``, a slot or a field that was read; none where it
            rests on no pictures of the table.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    p: float | None = None
    asked: int | None = None
    drawn: int | None = None
    readable: int | None = None
    model: str = ""
    method: str = ""
    note: str = ""
    n: str = ""
    bounds: tuple[float, float] | None = None
    where: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        estimate: Estimate,
        account: Account | None = None,
        *,
        model: str = "",
        reference: float | None = None,
        p: float | None = None,
        note: str = "",
        n: str = "",
        where: Mapping[str, str] | None = None,
    ) -> Figure:
        """Return an estimate as a figure of a report.

        Args:
            name: The row's label.
            estimate: From :mod:`limn.audit.statistics`.
            account: How many pictures were asked for, drawn and readable.
            model: Which model it is of.
            reference: What it is compared with.
            p: Probability of so much under no difference.
            note: Anything else; where there is no estimate its reason is added.
            n: What else it rests on.
            where: Which pictures it rests on.
        """
        unknown = 0 if account is None else account.unreadable
        readable, drawn = estimate.n, estimate.n + unknown
        return cls(
            name=name,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            reference=reference,
            p=p,
            asked=None if account is None else account.asked,
            drawn=None if account is None else account.drawn,
            readable=None if account is None else account.readable,
            model=model,
            method=estimate.how,
            note="; ".join(filter(None, (estimate.why, note))),
            n=n,
            bounds=bounds(estimate, readable, drawn) if isinstance(estimate, Share) and unknown else None,
            where=where or {},
        )


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Estimates of one kind, drawn as intervals on one axis and listed below.

    Args:
        title: What they are.
        rows: In the order to be shown; those of one name and several models stand together.
        axis: What the axis measures, with its unit.
        percent: Whether values are shares, shown in per cent.
        bounds: Ends of the axis; from the values if None.
        zero: A value to mark as "no difference"; None for none.
        note: What to keep in mind, a sentence.
        unit: What intervals and tests take as drawn by chance, for example "prompts".
        field: What was read of the pictures behind the rows, which are sorted by it when they are shown.
    """

    title: str
    rows: tuple[Figure, ...]
    axis: str = ""
    percent: bool = True
    bounds: tuple[float, float] | None = None
    zero: float | None = None
    note: str = ""
    unit: str = ""
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A table.

    Args:
        title: What it shows.
        columns: Headings.
        rows: Cells; numbers are set to the right, None is shown as "not estimable".
        note: What to keep in mind.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve, with a band where it has intervals.

    Args:
        name: For the legend.
        x: Places.
        y: Heights.
        low: Lower ends; empty for none.
        high: Upper ends.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Curves on common axes.

    Args:
        title: What they show.
        lines: The curves.
        x: What the horizontal axis measures.
        y: What the vertical axis measures.
        note: What to keep in mind.
    """

    title: str
    lines: tuple[Line, ...]
    x: str = ""
    y: str = ""
    note: str = ""


Point: TypeAlias = tuple[str, float, float, tuple[float, float, float, float] | None, str]
"""Label, x, y, the ends of both intervals (x low, x high, y low, y high) or nothing, and the model."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points on common axes, with labels; a point's intervals are bars.

    Args:
        title: What they show.
        points: The points.
        x: What the horizontal axis measures.
        y: What the vertical axis measures.
        note: What to keep in mind.
    """

    title: str
    points: tuple[Point, ...]
    x: str = ""
    y: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Shares of several values in several groups, stacked to one.

    Args:
        title: What they show.
        groups: By group, the share of each value, from 0 to 1; in the order to be shown.
        note: What to keep in mind.
    """

    title: str
    groups: Mapping[str, Mapping[str, float]]
    note: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """Pictures by group.

    Args:
        title: What they are.
        groups: Pictures (height, width, 3), uint8, by label; the first are shown.
        most: Pictures shown of each group.
        note: How they were chosen.
    """

    title: str
    groups: Mapping[str, Sequence[NDArray[np.uint8]]]
    most: int = 12
    note: str = "The first pictures of each group, in the order of their seeds; none was left out."


def by_name(rows: Iterable[Figure]) -> tuple[Figure, ...]:
    """Return rows so that those of one name, of several models, stand together."""
    listed = list(rows)
    order = list(dict.fromkeys(row.name for row in listed))
    return tuple(sorted(listed, key=lambda row: order.index(row.name)))


def point(label: str, x: Estimate, y: Estimate, model: str) -> Point | None:
    """Return two estimates as a point; None where one has no value."""
    if x.value is None or y.value is None:
        return None
    ends = None
    if x.low is not None and x.high is not None and y.low is not None and y.high is not None:
        ends = (x.low, x.high, y.low, y.high)
    return label, x.value, y.value, ends, model


Part: TypeAlias = str | Figures | Listing | Curves | Points | Bars | Sheet
"""A string is a paragraph."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A headed stretch of a report."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an audit found.

    Args:
        title: Of the page.
        question: What is estimated, in words a reader without statistics understands.
        summary: The answer in plain words with the numbers that it rests on, a paragraph for each model.
        findings: What came out, a sentence each, the most important first.
        sections: The figures behind them.
        caveats: What the figures do not say, a sentence each.
        papers: Citation keys, the study's own first.
        tests: How many hypotheses were tested, and how that was corrected for; empty when none.
        hidden: Whether the pictures stay out of the page, since nobody should see them unasked.
    """

    title: str
    question: str
    summary: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    caveats: tuple[str, ...] = ()
    papers: tuple[str, ...] = field(default=())
    tests: str = ""
    hidden: bool = False
