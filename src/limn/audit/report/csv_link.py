"""A table as a CSV file that the page itself carries: it is saved without a network and without a script."""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from collections.abc import Iterable, Sequence

from limn.audit.report.words import element


def csv_link(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a link that saves rows as CSV, UTF-8; None is an empty cell.

    >>> csv_link("Women", ["a", "b"], [[1, None]])
    '<p class="csv"><a href="data:text/csv;base64,YSxiDQoxLA0K" download="women.csv">Women as CSV</a></p>'
    """
    text = io.StringIO()
    csv.writer(text).writerows([list(map(_harmless, row)) for row in (columns, *rows)])
    data = base64.b64encode(text.getvalue().encode()).decode()
    name = re.sub(r"\W+", "-", title.lower()).strip("-")[:60] or "table"
    link = element("a", f"{html.escape(title)} as CSV", href=f"data:text/csv;base64,{data}", download=f"{name}.csv")
    return element("p", link, class_="csv")


def _harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula.

    >>> _harmless('=1+1'), _harmless("-0.5"), _harmless("a=b")
    ("'=1+1", '-0.5', 'a=b')
    """
    text = str(cell)
    formula = (
        isinstance(cell, str) and re.match(r"[=+\-@\t\r]", text) and not re.fullmatch(r"[+-][\d.,]+( %)?", text)
    )
    return f"'{text}" if formula else cell
