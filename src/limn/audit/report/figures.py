"""Estimates as a table: a plot, the figures, and the way to the pictures behind each."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence

from limn.audit.report import plots
from limn.audit.report.csv_link import csv_link
from limn.audit.report.parts import Figure, Figures
from limn.audit.report.words import between, element, grid, number

GALLERY = "pictures"
"""Id of the section with all pictures."""

COLUMNS = (
    "name", "model", "value", "low", "high", "reference", "p", "asked", "drawn", "readable", "least", "most", "n",
    "method", "note",
)  # fmt: skip
"""What a table of figures has as CSV."""


BOUNDS = "The pale bar and the bounds: the share if none, or all, of the unreadable pictures counted. "


def figures(part: Figures) -> str:
    """Return estimates as a table whose second column is a plot."""
    ends = plots.span(part)
    models = list(dict.fromkeys(row.model for row in part.rows))
    has = {
        name: any(getattr(row, name) is not None for row in part.rows)
        for name in ("reference", "p", "asked", "bounds")
    }
    has["n"] = has["asked"] or any(row.n for row in part.rows)
    heads = {"": "", part.axis or "plot": "plot", "estimate": "n", "95 % interval": "n"}
    heads |= {name: "n" for name in ("bounds", "reference", "p") if has[name]}
    heads |= {"readable / asked" if has["asked"] else "n": "n"} if has["n"] else {}
    bodies = [element("tbody", *_run(run, models, ends, part, has)) for run in _runs(part.rows)]
    foot = element("tr", element("td"), element("td", plots.axis(ends, percent=part.percent), class_="plot"))
    marks = plots.legend([model or "this model" for model in models]) if len(models) > 1 else ""
    said = "The upright mark is the reference. " if has["reference"] else ""
    said += BOUNDS if has["bounds"] else ""
    said += f"Intervals and tests take {part.unit} as drawn by chance." if part.unit else ""
    table = grid(
        list(heads), bodies, kinds=list(heads.values()), foot=foot, class_="figures sortable", label=part.title
    )
    rows = [[_cell(row, name) for name in COLUMNS] for row in part.rows]
    return (
        marks
        + (element("p", html.escape(said), class_="note") if said else "")
        + table
        + csv_link(part.title, COLUMNS, rows)
    )


def _cell(row: Figure, name: str) -> object:
    """Return what a CSV file says."""
    ends = dict(zip(("least", "most"), row.bounds or (None, None), strict=True))
    return ends[name] if name in ends else getattr(row, name)


def behind(name: str, where: Mapping[str, str], field: str = "") -> str:
    """Return a name that leads to the pictures behind it.

    Args:
        name: What is shown, plain text.
        where: Which pictures, see :class:`limn.audit.report.parts.Figure`; none where there are none.
        field: What of them was read.
    """
    text = html.escape(name)
    if not where:
        return text
    return element(
        "a",
        text,
        href=f"#{GALLERY}",
        data_where=json.dumps(dict(where), ensure_ascii=False),
        data_field=field or None,
    )


def _runs(rows: Sequence[Figure]) -> Iterator[list[Figure]]:
    """Yield rows of one name and several models together."""
    run: list[Figure] = []
    for row in rows:
        if run and (row.name != run[0].name or row.model in {other.model for other in run}):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _run(
    run: Sequence[Figure],
    models: Sequence[str],
    ends: tuple[float, float],
    part: Figures,
    has: Mapping[str, bool],
) -> Iterator[str]:
    """Yield the lines of rows that share a name."""
    shared = dict(set.intersection(*(set(row.where.items()) for row in run)))
    where = {name: value for name, value in run[0].where.items() if name in shared}
    for k, row in enumerate(run):
        note = element("small", html.escape(row.note)) if row.note else ""
        span = len(run) if len(run) > 1 else None
        name = behind(row.name, where, part.field)
        label = element("th", name, "" if span else note, scope="row", rowspan=span) if k == 0 else ""
        drawn = plots.interval(row, ends, hue=models.index(row.model), zero=part.zero)
        cells = [element("td", drawn, note if span else "", class_="plot"), *_numbers(row, part.percent, has)]
        yield element("tr", label, *cells, class_="with" if k + 1 < len(run) else None)


def _numbers(row: Figure, percent: bool, has: Mapping[str, bool]) -> Iterator[str]:
    """Yield the cells of an estimate behind its plot."""
    unknown = row.value is None
    yield element("td", number(row.value, percent=percent), class_="none n" if unknown else "n", data_v=row.value)
    ends = between(row.low, row.high, percent=percent)
    yield element("td", ends, class_="n", title=row.method or None, data_v=row.low)
    if has["bounds"]:
        least, most = row.bounds or (None, None)
        yield element("td", between(least, most, percent=True), class_="n", data_v=least)
    if has["reference"]:
        mark = "" if row.reference is None else number(row.reference, percent=percent)
        yield element("td", mark, class_="n", data_v=row.reference)
    if has["p"]:
        p = "" if row.p is None else "&lt; 0.001" if row.p < 0.001 else f"{row.p:.3f}"
        yield element("td", p, class_="n", data_v=row.p)
    if has["n"]:
        some = row.asked is not None and row.readable is not None
        counts = f"{row.readable:,} / {row.asked:,}" if some else ""
        more = html.escape(row.n)
        yield element(
            "td", counts, element("small", more) if counts and more else more, class_="n", data_v=row.readable
        )
