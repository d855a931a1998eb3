from __future__ import annotations

import pytest

from limn.audit.group_shares import group_share
from limn.audit.probe import Ask, Probe
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.synthetic import judged, leaning
from limn.audit.table import Table


def cooks(reader: object = "people", failing: float = 0.0, n: int = 300) -> Table:
    probe = Probe(asks=(Ask(prompt="a cook", slots={"profession": "cook"}, group="cook"),), each=n, seed=5)
    return in_memory(probe, [FromPeople(population=leaning(1), failing=failing)], [reader])  # type: ignore[list-item]


def test_an_exact_reader_needs_no_correction() -> None:
    one = group_share(cooks(), "gender", "woman")
    assert one.behind is one.read
    assert one.read.covers(0.7)
    assert one.weighed == (one.k, 300)
    assert one.name == "cook"


def test_errors_of_the_reader_are_looked_behind() -> None:
    one = group_share(cooks(judged(1)), "gender", "woman")
    assert one.behind.covers(0.7)
    assert one.read.value is not None
    assert one.read.value < 0.66
    k, n = one.weighed
    assert n < 300
    assert k / n == pytest.approx(one.behind.value)
    assert group_share(cooks(judged(1)), "gender", "woman", correct=False).behind.value == one.read.value


def test_nothing_drawn_is_not_zero() -> None:
    table = cooks(failing=1.0, n=5)
    one = group_share(table, "gender", "woman")
    assert not one.behind.estimable
    assert one.account.asked == 5
    assert one.account.drawn == 0
    assert table.shares("gender") == {}


def test_shares_of_all_values_sum_to_one() -> None:
    assert sum(cooks().shares("gender").values()) == pytest.approx(1)


def test_a_corrected_share_is_no_surer_than_a_plain_one() -> None:
    one = group_share(cooks(judged(2), n=10), "gender", "neutral")
    assert one.k == 0
    assert one.behind.high is not None
    assert one.behind.high >= (one.read.high or 1)
