from __future__ import annotations

import pytest

from limn.data.report import Report
from limn.kernel.errors import DataError


def test_a_clean_source_passes() -> None:
    report = Report(good=10)
    report.finish("here")
    assert str(report) == "10 read, none left out"


def test_a_few_bad_items_are_counted_and_named() -> None:
    report = Report(good=98)
    report.leave_out("a.png", "no caption")
    report.leave_out("b.png", "unreadable picture", "cut off")
    report.finish("here")
    assert report.bad == 2
    assert report.quarantine == [("a.png", "no caption"), ("b.png", "unreadable picture: cut off")]
    assert "98 read, 2 left out" in str(report)


def test_too_many_bad_items_are_an_error_at_the_end() -> None:
    report = Report(good=9)
    report.leave_out("a.png", "no caption")
    with pytest.raises(DataError, match=r"here: 9 read, 1 left out \(1 no caption\); first a\.png"):
        report.finish("here")


def test_a_hopeless_source_is_given_up_early() -> None:
    report = Report()
    for number in range(10):
        report.leave_out(str(number), "no caption")
    with pytest.raises(DataError, match="11 left out"):
        report.leave_out("10", "no caption")


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="holds no pictures"):
        Report().finish("here")


def test_any_share_can_be_allowed() -> None:
    report = Report(most_bad=1.0)
    for number in range(2000):
        report.leave_out(str(number), "no caption")
    report.finish("here")
    assert report.bad == 2000
    assert len(report.quarantine) == 1000
