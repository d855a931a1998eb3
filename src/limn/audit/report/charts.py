"""Charts, stacked shares and plain tables, each with its numbers beside it as a table and as CSV."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from limn.audit.report import plots
from limn.audit.report.csv_link import csv_link
from limn.audit.report.parts import Bars, Curves, Listing, Points, Sheet
from limn.audit.report.pictures import thumbnails
from limn.audit.report.words import NOT_ESTIMABLE, element, fold, grid, number, shown

Cells = tuple[tuple[str | float | None, ...], ...]


def listing(part: Listing, *, blank: bool = False) -> str:
    """Return a table; with ``blank``, what is None stays empty."""
    numeric = [
        any(isinstance(row[k], int | float) for row in part.rows)
        and not any(isinstance(row[k], str) for row in part.rows)
        for k in range(len(part.columns))
    ]
    rows = []
    for row in part.rows:
        texts = ["" if value is None and blank else shown(value) for value in row]
        kinds = [
            f"{'n' if numeric[k] else ''} {'none' if value is None else ''}".strip() for k, value in enumerate(row)
        ]
        cells = (
            element("td", text, class_=kind or None, data_v=value if isinstance(value, int | float) else None)
            for text, kind, value in zip(texts[1:], kinds[1:], row[1:], strict=True)
        )
        rows.append(element("tr", element("th", texts[0], scope="row"), *cells))
    kinds = ["n" if number else "" for number in numeric]
    table = grid(part.columns, rows, kinds=kinds, class_="sortable", label=part.title)
    return table + csv_link(part.title, part.columns, part.rows)


def curves(part: Curves) -> str:
    """Return curves, with their numbers."""
    rows = tuple(
        (line.name, x, y, *((line.low[k], line.high[k]) if line.low and line.high else (None, None)))
        for line in part.lines
        for k, (x, y) in enumerate(zip(line.x, line.y, strict=True))
    )
    columns = ("curve", part.x or "x", part.y or "y", "from", "to")
    return _chart([line.name for line in part.lines], plots.curves(part), part.title, columns, rows)


def points(part: Points, models: Sequence[str]) -> str:
    """Return points of several models, with their numbers."""
    names = [model for model in models if any(model == point[4] for point in part.points)]
    rows = tuple((label, x, y, model) for label, x, y, _, model in part.points)
    columns = ("point", part.x or "x", part.y or "y", "model")
    return _chart(names, plots.points(part, models), part.title, columns, rows)


def _chart(names: Sequence[str], drawn: str, title: str, columns: tuple[str, ...], rows: Cells) -> str:
    """Return a chart with its legend, and its numbers folded away."""
    if not rows:
        return element("p", NOT_ESTIMABLE, class_="none")
    numbers = listing(Listing(title=title, columns=columns, rows=rows), blank=True)
    return (plots.legend(names) if len(names) > 1 else "") + drawn + fold("As a table", numbers)


def bars(part: Bars) -> str:
    """Return stacked shares, and their numbers folded away."""
    values = plots.bars_values(part)
    rows = [
        element("tr", element("th", html.escape(group), scope="row"), element("td", _bar(shares, values)))
        for group, shares in part.groups.items()
    ]
    numbers = Listing(
        title=part.title,
        columns=("group", *values),
        rows=tuple(
            (group, *(number(shares.get(value, 0.0), percent=True) if shares else None for value in values))
            for group, shares in part.groups.items()
        ),
    )
    table = grid(("group", "shares"), rows, kinds=["", ""], label=part.title)
    return plots.legend(values, square=True) + table + fold("As numbers", listing(numbers))


def _bar(shares: Mapping[str, float], values: Sequence[str]) -> str:
    return plots.bar(shares, values) if shares else element("span", NOT_ESTIMABLE, class_="none")


def sheet(part: Sheet) -> str:
    """Return pictures by group."""
    groups = {label: list(pictures)[: part.most] for label, pictures in part.groups.items()}
    flat = [picture for pictures in groups.values() for picture in pictures]
    small = iter(thumbnails([partial(np.asarray, picture) for picture in flat]))
    entries = []
    for label, pictures in groups.items():
        tiles = [
            element("li", thumbnail.element(f"{label}, {k} of {len(pictures)}"))
            for k, thumbnail in enumerate((next(small) for _ in pictures), 1)
        ]
        inside = element("ul", *tiles) if tiles else element("p", "no pictures", class_="none")
        entries.append(element("div", element("h4", html.escape(label)), inside, class_="prompt"))
    return element("div", *entries, class_="sheet")
