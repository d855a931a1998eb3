from __future__ import annotations

import pytest

from limn.audit.probe import Ask, Probe, ProbeItem
from limn.audit.report.parts import Figures, Listing, Report
from limn.audit.report.refusals import with_refusals
from limn.audit.rows import REFUSED, Row, SourceFacts
from limn.audit.statistics.clustered import clustered_share
from limn.audit.table import Table

ASKS = tuple(Ask(prompt=f"{word} {group}", group=group) for group in ("cook", "pilot") for word in ("a", "the"))
REPORT = Report(title="t", question="q", findings=("one",))


def table(flaws: dict[tuple[int, int], str]) -> Table:
    rows = []
    for place, ask in enumerate(ASKS):
        for take in range(3):
            item, flaw = ProbeItem(ask=place, take=take, seed=take), flaws.get((place, take), "")
            rows.append(Row.of("m", item, ask, key=f"{place}-{take}", flaw=flaw, sha256="" if flaw else "1"))
    return Table(probe=Probe(asks=ASKS, each=3), rows=tuple(rows), sources=(SourceFacts(name="m"),))


def test_where_all_was_drawn_nothing_is_added() -> None:
    assert with_refusals(REPORT, table({})) is REPORT


def test_refusals_are_shares_of_answers_and_failures_are_counted_apart() -> None:
    flaws = {(0, 0): f"{REFUSED}no", (0, 1): f"{REFUSED}no", (3, 2): f"{REFUSED}never", (1, 0): "no picture: odd"}
    report = with_refusals(REPORT, table(flaws))
    assert report.findings == ("one", "m declined to draw 3 of 11 pictures.")
    note, figures, groups, reasons = report.sections[-1].parts
    assert isinstance(note, str)
    assert isinstance(figures, Figures)
    want = clustered_share([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3])
    (row,) = figures.rows
    assert (row.value, row.low, row.high) == pytest.approx((want.value, want.low, want.high))
    assert figures.unit == "prompts"
    assert isinstance(groups, Listing)
    assert groups.rows == (("m", "cook", 6, 3, 2, 1), ("m", "pilot", 6, 5, 1, 0))
    assert isinstance(reasons, Listing)
    assert reasons.rows[0] == ("no", 2)


def test_failures_alone_are_no_refusal() -> None:
    report = with_refusals(REPORT, table({(0, 0): "is not in the table"}))
    assert report.findings == ("one",)
    assert not any(isinstance(part, Figures) for part in report.sections[-1].parts)
