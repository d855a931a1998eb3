"""Intersections: how often two fields take each pair of values, for example gender and tone."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from limn.audit.report.csv_link import csv_link
from limn.audit.report.figures import behind
from limn.audit.report.words import element, fold, grid
from limn.audit.table import Table

FEW = 8  # values of a field above which a table of pairs is too wide to read
TABLES = 3  # pairs of fields, those that were named first

NOTE = (
    "Pictures in which both fields could be read, and shares of these, as read: errors are not corrected "
    "here, and readings of one picture may go wrong together."
)


def crossed(table: Table) -> str:
    """Return a table for every two fields of few values, model by model; nothing where there are none."""
    names = dict.fromkeys(field for reader in table.readers for field in reader.fields)
    values = {name: known for name in names if 1 < len(known := table.reader(name).fields[name]) <= FEW}
    pairs = list(combinations(values, 2))[:TABLES]
    tables = "".join(
        fold(html.escape(f"{one} x {other}"), "".join(_tables(table.once(), one, other)), unfolded=k == 0)
        for k, (one, other) in enumerate(pairs)
    )
    return element("p", NOTE, class_="note") + tables if pairs else ""


def _tables(table: Table, one: str, other: str) -> Iterator[str]:
    """Yield the counts of each model."""
    rows, columns = (table.reader(name).fields[name] for name in (one, other))
    for model in table.models:
        part = table.of(model=model)
        pairs = Counter(zip(part.values(one), part.values(other), strict=True))
        total = sum(pairs[value, across] for value in rows for across in columns)
        lines = [
            element(
                "tr",
                element("th", html.escape(value), scope="row"),
                *(
                    _cell(pairs[value, across], total, {"model": model, one: value, other: across})
                    for across in columns
                ),
            )
            for value in rows
        ]
        title = f"{one} x {other}, {model}"
        caption = f"{title}: {total:,} of {part.account().drawn:,} pictures"
        heads = [one, *columns]
        kinds = ["", *("n" for _ in columns)]
        yield grid(heads, lines, kinds=kinds, caption=element("caption", html.escape(caption)), label=title)
        yield csv_link(title, heads, ([value, *(pairs[value, across] for across in columns)] for value in rows))


def _cell(count: int, total: int, where: dict[str, str]) -> str:
    """Return a count that leads to its pictures, with its share."""
    if not count:
        return element("td", "0", class_="n")
    share = element("small", f"{100 * count / total:.1f} %")
    return element("td", behind(f"{count:,}", where, list(where)[1]), share, class_="n")
