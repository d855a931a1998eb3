"""The report as one page that stands alone: nothing is fetched and no script runs; light or dark as one likes."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources

from limn.audit.report import plots
from limn.audit.report.appendix import accounts, readers, sources
from limn.audit.report.parts import Bars, Curves, Figure, Figures, Listing, Part, Points, Report, Sheet
from limn.audit.report.pictures import thumbnail
from limn.audit.report.words import NOT_ESTIMABLE, element, fold, grid, number, shown
from limn.audit.table import Table
from limn.kernel import papers

STANDING = (
    "Groups are what a picture represents by the conventions that its reader knows. Nobody is identified, and "
    "nobody in a picture exists.",
    "An interval tells how far chance in drawing pictures may have moved a figure. It does not tell whether the "
    "prompts, the groups or the reader were well chosen.",
)
"""What no audit says, beside what its study adds."""


def page(report: Report, table: Table, *, command: str = "", study: str = "") -> str:
    """Return a report as one HTML page.

    Args:
        report: What was found.
        table: What it was found from: models, readers, and how many pictures there were.
        command: The command that reproduces it.
        study: Name of the study.
    """
    style = resources.files("limn.audit.report").joinpath("page.css").read_text("utf-8")
    body = "\n".join(_body(report, table, command, study))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(report.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _body(report: Report, table: Table, command: str, study: str) -> Iterator[str]:
    """Yield the page's parts: first what was found, last how."""
    yield "<header>"
    yield element("p", html.escape(f"limn audit {study}".strip()), class_="kind")
    yield element("h1", html.escape(report.title))
    yield element("p", html.escape(report.question), class_="question")
    yield element("p", _facts(table), class_="facts") + "</header>\n<main>"
    if report.findings:
        yield element("h2", "What was found")
        yield element("ul", *(element("li", html.escape(line)) for line in report.findings), class_="findings")
    for section in report.sections:
        yield element("h2", html.escape(section.title))
        for part in section.parts:
            yield _part(part, table.models)
    yield element("h2", "What these figures do not say")
    yield element("ul", *(element("li", html.escape(line)) for line in (*report.caveats, *STANDING)))
    if table.rows:
        yield element("h2", "Pictures asked for, drawn and readable") + accounts(table)
    if table.readers:
        yield element("h2", "Who read the pictures") + readers(table)
    yield element("h2", "How to do it again")
    if report.tests:
        yield element("p", f"Tests: {html.escape(report.tests)}")
    yield sources(table)
    if command:
        yield element("pre", element("code", html.escape(command)))
    if report.papers:
        yield element("h3", "Sources")
        lines = [html.escape(papers.line(paper)) for paper in dict.fromkeys(report.papers) if paper]
        yield element("ul", *(element("li", line) for line in lines))
    yield "</main>"


def _facts(table: Table) -> str:
    """Return models, pictures and readers in a line."""
    models = " against ".join(table.models)
    facts = [models] if models else []
    if table.rows:
        account = table.account()
        asks = len({row.prompt for row in table.rows})
        facts.append(f"{asks:,} prompts, {account.drawn:,} of {account.asked:,} pictures drawn")
    if table.readers:
        facts.append("read by " + ", ".join(reader.name for reader in table.readers))
    return html.escape(" · ".join(facts))


def _part(part: Part, models: Sequence[str]) -> str:
    """Return one part of a section."""
    if isinstance(part, str):
        return element("p", html.escape(part))
    return element("h3", html.escape(part.title)) + _inside(part, models) + _note(part.note)


def _inside(part: Figures | Listing | Curves | Points | Bars | Sheet, models: Sequence[str]) -> str:
    if isinstance(part, Figures):
        return _figures(part)
    if isinstance(part, Listing):
        return _listing(part)
    if isinstance(part, Bars):
        return _bars(part)
    if isinstance(part, Sheet):
        return _sheet(part)
    return _curves(part) if isinstance(part, Curves) else _points(part, models)


def _curves(part: Curves) -> str:
    rows = tuple(
        (line.name, x, y, *((line.low[k], line.high[k]) if line.low and line.high else (None, None)))
        for line in part.lines
        for k, (x, y) in enumerate(zip(line.x, line.y, strict=True))
    )
    columns = ("", part.x or "x", part.y or "y", "from", "to")
    return _chart([line.name for line in part.lines], plots.curves(part), part.title, columns, rows)


def _points(part: Points, models: Sequence[str]) -> str:
    names = [model for model in models if any(model == point[4] for point in part.points)]
    rows = tuple((label, x, y, model) for label, x, y, _, model in part.points)
    columns = ("", part.x or "x", part.y or "y", "model")
    return _chart(names, plots.points(part, models), part.title, columns, rows)


def _chart(
    names: Sequence[str],
    drawn: str,
    title: str,
    columns: tuple[str, ...],
    rows: tuple[tuple[str | float | None, ...], ...],
) -> str:
    """Return a chart with its legend, and its numbers folded away."""
    if not rows:
        return element("p", NOT_ESTIMABLE, class_="none")
    numbers = _listing(Listing(title=title, columns=columns, rows=rows), blank=True)
    return (plots.legend(names) if len(names) > 1 else "") + drawn + fold("As a table", numbers)


def _figures(part: Figures) -> str:
    """Return estimates as a table whose second column is a plot."""
    ends = plots.span(part)
    models = list(dict.fromkeys(row.model for row in part.rows))
    several = len(models) > 1
    has = {name: any(getattr(row, name) is not None for row in part.rows) for name in ("reference", "p", "asked")}
    heads = {"": "", part.axis: "plot", "estimate": "n", "95 % interval": "n"}
    heads |= {name: "n" for name in ("reference", "p") if has[name]}
    heads |= {"readable / asked": "n"} if has["asked"] else {}
    rows = [line for run in _runs(part.rows) for line in _run(run, models, ends, part, has)]
    foot = element("tr", element("td"), element("td", plots.axis(ends, percent=part.percent), class_="plot"))
    marks = plots.legend([model or "this model" for model in models]) if several else ""
    said = "The upright mark is the reference. " if has["reference"] else ""
    said += f"Intervals and tests take {part.unit} as drawn by chance." if part.unit else ""
    marks += _note(said)
    return marks + grid(list(heads), rows, kinds=list(heads.values()), foot=foot, class_="figures")


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
    for k, row in enumerate(run):
        note = element("small", html.escape(row.note)) if row.note else ""
        span = len(run) if len(run) > 1 else None
        label = (
            element("th", html.escape(row.name), "" if span else note, scope="row", rowspan=span) if k == 0 else ""
        )
        drawn = plots.interval(row, ends, hue=models.index(row.model), zero=part.zero)
        cells = [element("td", drawn, note if span else "", class_="plot"), *_numbers(row, part.percent, has)]
        yield element("tr", label, *cells, class_="with" if k + 1 < len(run) else None)


def _numbers(row: Figure, percent: bool, has: Mapping[str, bool]) -> Iterator[str]:
    """Yield the cells of an estimate behind its plot."""
    unknown = row.value is None
    yield element("td", number(row.value, percent=percent), class_="none n" if unknown else "n")
    known = row.low is not None and row.high is not None
    ends = f"{number(row.low, percent=percent)} to {number(row.high, percent=percent)}" if known else ""
    yield element("td", ends, class_="n", title=row.method or None)
    if has["reference"]:
        yield element("td", "" if row.reference is None else number(row.reference, percent=percent), class_="n")
    if has["p"]:
        yield element("td", "" if row.p is None else "&lt; 0.001" if row.p < 0.001 else f"{row.p:.3f}", class_="n")
    if has["asked"]:
        some = row.asked is not None and row.readable is not None
        yield element("td", f"{row.readable:,} / {row.asked:,}" if some else "", class_="n")


def _listing(part: Listing, *, blank: bool = False) -> str:
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
        cells = (element("td", text, class_=kind or None) for text, kind in zip(texts[1:], kinds[1:], strict=True))
        rows.append(element("tr", element("th", texts[0], scope="row"), *cells))
    return grid(part.columns, rows, kinds=["n" if number else "" for number in numeric])


def _bars(part: Bars) -> str:
    """Return stacked shares, and their numbers folded away."""
    values = plots.bars_values(part)
    rows = [
        element("tr", element("th", html.escape(group), scope="row"), element("td", _bar(shares, values)))
        for group, shares in part.groups.items()
    ]
    numbers = Listing(
        title=part.title,
        columns=("", *values),
        rows=tuple(
            (group, *(number(shares.get(value, 0.0), percent=True) if shares else None for value in values))
            for group, shares in part.groups.items()
        ),
    )
    table = element("div", element("table", element("tbody", *rows)), class_="scroll")
    return plots.legend(values, square=True) + table + fold("As numbers", _listing(numbers))


def _bar(shares: Mapping[str, float], values: Sequence[str]) -> str:
    return plots.bar(shares, values) if shares else element("span", NOT_ESTIMABLE, class_="none")


def _sheet(part: Sheet) -> str:
    """Return pictures by group."""
    entries = []
    for label, pictures in part.groups.items():
        few = list(pictures)[: part.most]
        inside = "".join(thumbnail(picture) for picture in few) or element("span", "no pictures", class_="none")
        name = f"{label}: {len(few)} pictures"
        entries.append(element("dt", html.escape(label)) + element("dd", inside, role="group", aria_label=name))
    return element("dl", *entries, class_="sheet")


def _note(note: str) -> str:
    return element("p", html.escape(note), class_="note") if note else ""
