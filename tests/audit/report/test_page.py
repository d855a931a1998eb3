"""The page stands alone, hides nothing, and shows foreign text as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audited import population, probe
from limn.audit.probe import Probe
from limn.audit.readers.noisy import Noisy
from limn.audit.readers.people import People
from limn.audit.report import parts, plots
from limn.audit.report.page import STANDING, page
from limn.audit.report.parts import Bars, Curves, Figure, Figures, Line, Listing, Points, Report, Section, Sheet
from limn.audit.report.write import record, write
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.statistics.shares import wilson
from limn.audit.table import Account, Table

VOID = {"meta", "img", "br"}


class Outline(HTMLParser):
    """Checks that elements are closed in order, and gathers what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def table() -> Table:
    rates = np.array([[0.85, 0.1, 0.0, 0.05], [0.05, 0.9, 0.0, 0.05], [0.0, 0.0, 1.0, 0.0]])
    sources = [
        FromPeople(population=population(0.2), name="one", failing=0.1),
        FromPeople(population=population(0.8), name="two"),
    ]
    return in_memory(
        probe(8), sources, [Noisy(reader=People(), field="gender", rates=tuple(map(tuple, rates.tolist())))]
    )


def report(table: Table, **changes: Any) -> Report:
    rows = []
    for group in table.groups:
        for model in table.models:
            part = table.of(group=group, model=model)
            account = part.account("gender")
            share = wilson(part.counts("gender")["woman"], account.readable)
            rows.append(Figure.of(group, share, account, model=model, reference=0.4, p=0.0002))
    rows.append(
        Figure.of("<script>pilot</script>", wilson(0, 0), Account(asked=8, drawn=8, readable=0), model="one")
    )
    sheet = Sheet(title="Pictures", groups={group: table.of(group=group).pictures() for group in table.groups})
    found = {
        "title": "Who is drawn & why",
        "question": "Is 1 < 2?",
        "findings": ("First, with <b>tags</b>.",),
        "sections": (
            Section(
                title="Shares",
                parts=(
                    "A paragraph.",
                    Figures(title="Women", rows=tuple(rows), zero=0.5),
                    Bars(title="Tones", groups={"cook": {"light": 0.25, "dark": 0.75}, "nobody": {}}),
                    Curves(title="Curve", lines=(Line(name="a", x=(1, 2), y=(0, 1), low=(0, 0), high=(1, 2)),)),
                    Points(title="Points", points=(("x", 1, 2, (0, 2, 1, 3), "one"), ("y", 2, 3, None, "two"))),
                    Listing(title="Numbers", columns=("a", "b"), rows=(("x", 1.5), ("y", None))),
                    sheet,
                ),
            ),
        ),
        "caveats": ("One country only.",),
        "papers": ("song2021ddim",),
        "tests": "12, Holm",
    }
    return Report(**{**found, **changes})


def test_the_page_stands_alone_and_is_well_formed(table: Table) -> None:
    text = page(report(table), table, command="limn audit 'a<b'", study="test")
    found = outline(text)
    assert found.seen["h1"] == 1
    assert (found.seen["script"], found.seen["style"]) == (1, 1)
    assert "link" not in found.seen
    assert all(each.startswith(("data:image/webp;", "data:text/csv;", "#")) for each in found.fetched)
    assert not re.search(r"<[^>]+ (on\w+|style)=", text)
    assert not re.search(r"@import|url\(", text)
    assert "prefers-color-scheme: dark" in text


def test_foreign_text_is_text(table: Table) -> None:
    text = page(report(table), table)
    assert text.count("<script>") == 1
    assert "&lt;script&gt;pilot" in text
    assert "&lt;b&gt;tags" in text


def test_what_cannot_be_estimated_is_said_and_never_zero(table: Table) -> None:
    text = page(report(table), table)
    row = next(each for each in text.split("<tr") if "pilot" in each)
    assert "not estimable" in row
    assert "nothing readable" in row
    assert "0 / 8" in row
    assert "0.0 %" not in row


def test_counts_confusion_caveats_sources_and_command_are_there(table: Table) -> None:
    text = page(report(table), table, command="limn audit test")
    for wanted in (
        *STANDING,
        "One country only.",
        "How it reads gender",
        "limn audit test",
        "arXiv:2010.02502",
        "12, Holm",
    ):
        assert wanted.replace("'", "&#x27;") in text
    account = table.account("gender")
    assert f"{account.drawn} of {account.asked} pictures drawn" in text
    assert "> unreadable<".replace(" ", "") in text


def test_a_study_that_draws_nothing_has_a_page_too() -> None:
    empty = Table(probe=Probe(asks=()), rows=())
    text = page(Report(title="Nothing drawn", question="?"), empty)
    outline(text)
    assert "Pictures asked for" not in text


def test_empty_parts_do_not_break_a_page(table: Table) -> None:
    empty = (
        Figures(title="None", rows=()),
        Curves(title="None", lines=()),
        Points(title="None", points=()),
        Bars(title="None", groups={}),
        Listing(title="None", columns=("a",), rows=()),
        Sheet(title="None", groups={"nobody": []}),
        Figures(title="Rounding", rows=(Figure(name="x", value=0.1, low=0.1, high=0.1 + 1e-16),), percent=False),
        Curves(title="Gaps", lines=(Line(name="a", x=(1, 2, 3), y=(0, float("nan"), 1)),)),
        Points(title="Gaps", points=(("x", float("nan"), 1, None, ""), ("y", 1, 1, None, ""))),
        Figures(
            title="Infinite",
            rows=(Figure(name="x", value=1.0, low=float("-inf"), high=float("inf")),),
            percent=False,
        ),
    )
    outline(page(report(table, sections=(Section(title="Empty", parts=empty),)), table))


def test_json_says_the_same_without_pictures(table: Table, tmp_path: Path) -> None:
    path = write(tmp_path, report(table), table, command="limn audit test", study={"name": "test", "n": 8})
    found = json.loads((tmp_path / "report.json").read_text())
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert found["study"] == {"name": "test", "n": 8}
    figures = found["sections"][0]["parts"][1]
    assert figures["kind"] == "figures"
    last = figures["rows"][-1]
    assert (last["value"], last["readable"], last["note"]) == (None, 0, "nothing readable")
    assert found["sections"][0]["parts"][-1]["pictures"]["cook"] <= 16
    assert found["readers"][0]["confusion"]["gender"]["counts"][0][0] > 100
    assert found["pictures"] == {"asked": 96, "drawn": table.account().drawn, "readable": table.account().drawn}
    assert json.dumps(record(report(table), table), allow_nan=False)


def test_a_mark_lies_where_its_value_is() -> None:
    figures = parts.Figures(title="", rows=(Figure(name="a", value=0.5, low=0.25, high=0.75),))
    drawn = plots.interval(figures.rows[0], plots.span(figures))
    whisker = re.search(r'class="whisker h0" x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"', drawn)
    assert whisker is not None
    assert float(whisker[1]) + float(whisker[2]) == pytest.approx(plots.WIDTH)
    assert f"M{plots.WIDTH / 2 - 4.5:.1f}" in drawn


def test_a_browser_runs_the_page_s_own_style_and_script_and_nothing_else(table: Table) -> None:
    text = page(report(table), table)
    policy = text.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
