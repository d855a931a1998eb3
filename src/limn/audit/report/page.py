"""The report as one page that stands alone: nothing is fetched, and without its script everything is still there."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Sequence
from importlib import resources

from limn.audit.report.appendix import accounts, readers, sources
from limn.audit.report.charts import bars, curves, listing, points, sheet
from limn.audit.report.crossed import crossed
from limn.audit.report.figures import GALLERY, figures
from limn.audit.report.gallery import gallery
from limn.audit.report.parts import Bars, Curves, Figures, Listing, Part, Points, Report, Section, Sheet
from limn.audit.report.words import element
from limn.audit.table import Table
from limn.kernel import papers

STANDING = (
    "Groups are what a picture represents by the conventions that its reader knows. Nobody is identified, "
    "whomever a picture may resemble.",
    "An interval tells how far chance may have moved a figure, in drawing what its table names: pictures, prompts, "
    "concepts. It does not tell whether the prompts, the groups or the reader were well chosen.",
)
"""What no audit says, beside what its study adds."""

_PICTURES = "Every picture"


def page(report: Report, table: Table, *, command: str = "", study: str = "", made_by: str = "limn audit") -> str:
    """Return a report as one HTML page.

    Its style and its script are the same on every page of a version, so that a policy can name them by their hashes.

    Args:
        report: What was found.
        table: What it was found from: models, readers, and how many pictures there were.
        command: The command that reproduces it.
        study: Name of the study.
        made_by: The command that writes such pages.
    """
    files = resources.files("limn.audit.report")
    style, script = ("\n" + files.joinpath(f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    body = "\n".join(_body(report, table, command, f"{made_by} {study}".strip()))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n'
        f"<title>{html.escape(report.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _policy(style: str, script: str) -> str:
    """Return a policy that lets this style and script run, the pictures of the page show, and nothing else."""
    own = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    parts = ("default-src 'none'", "img-src data:", "style-src 'sha256-{}'", "script-src 'sha256-{}'",
             "base-uri 'none'", "form-action 'none'")  # fmt: skip
    return "; ".join(parts).format(*own)


def _body(report: Report, table: Table, command: str, kind: str) -> Iterator[str]:
    """Yield the page's parts: first what was found, last how."""
    chapters = [
        (GALLERY if title == _PICTURES else f"part-{k}", html.escape(title), inside)
        for k, (title, inside) in enumerate(_chapters(report, table, command), 1)
    ]
    yield "<header>"
    yield element("p", html.escape(kind), class_="kind")
    yield element("h1", html.escape(report.title))
    yield from (element("p", html.escape(words), class_="summary") for words in report.summary)
    yield element("p", html.escape(report.question), class_="question")
    yield element("p", _facts(table), class_="facts") + "</header>"
    links = (element("li", element("a", title, href=f"#{place}")) for place, title, _ in chapters)
    yield element("nav", element("ul", *links), aria_label="Parts of this page") + "\n<main>"
    for place, title, inside in chapters:
        yield element("section", element("h2", title), inside, id=place)
    yield "</main>"


def _chapters(report: Report, table: Table, command: str) -> Iterator[tuple[str, str]]:
    """Yield the headed stretches of a page."""
    if report.findings:
        found = (element("li", html.escape(line)) for line in report.findings)
        yield "What was found", element("ul", *found, class_="findings")
    for section in report.sections:
        yield section.title, _section(section, table.models)
    if table.rows:
        if pairs := crossed(table):
            yield "Intersections", pairs
        yield _PICTURES, gallery(table, hidden=report.hidden)
    lines = (element("li", html.escape(line)) for line in (*report.caveats, *STANDING))
    yield "What these figures do not say", element("ul", *lines)
    if table.rows:
        yield "Pictures asked for, drawn and readable", accounts(table)
    if table.readers:
        yield "Who read the pictures", readers(table)
    yield "How to do it again", "".join(_again(report, table, command))


def _again(report: Report, table: Table, command: str) -> Iterator[str]:
    """Yield tests, sources, command and papers."""
    if report.tests:
        yield element("p", f"Tests: {html.escape(report.tests)}")
    yield sources(table)
    if command:
        yield element("pre", element("code", html.escape(command)), tabindex=0)
    if report.papers:
        yield element("h3", "Sources")
        lines = [html.escape(papers.line(paper)) for paper in dict.fromkeys(report.papers) if paper]
        yield element("ul", *(element("li", line) for line in lines))


def _facts(table: Table) -> str:
    """Return models, concepts, prompts, pictures and readers in a line."""
    models = " against ".join(table.models)
    facts = [models] if models else []
    if table.rows:
        account = table.account()
        prompts = len({row.prompt for row in table.rows})
        concepts = len({row.slots["concept"] for row in table.rows if "concept" in row.slots})
        facts += [f"{concepts:,} concepts"] if concepts else []
        facts.append(f"{prompts:,} prompts, {account.drawn:,} of {account.asked:,} pictures drawn")
    if table.readers:
        facts.append("read by " + ", ".join(reader.name for reader in table.readers))
    return html.escape(" · ".join(facts))


def _section(section: Section, models: Sequence[str]) -> str:
    return "".join(_part(part, models) for part in section.parts)


def _part(part: Part, models: Sequence[str]) -> str:
    """Return one part of a section."""
    if isinstance(part, str):
        return element("p", html.escape(part))
    note = element("p", html.escape(part.note), class_="note") if part.note else ""
    return element("h3", html.escape(part.title)) + _inside(part, models) + note


def _inside(part: Figures | Listing | Curves | Points | Bars | Sheet, models: Sequence[str]) -> str:
    if isinstance(part, Figures):
        return figures(part)
    if isinstance(part, Listing):
        return listing(part)
    if isinstance(part, Bars):
        return bars(part)
    if isinstance(part, Sheet):
        return sheet(part)
    return curves(part) if isinstance(part, Curves) else points(part, models)
