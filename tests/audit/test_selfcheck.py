"""Coverage is counted right, and a study that promises too much is found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from limn.audit.probe import Probe
from limn.audit.report.parts import Report
from limn.audit.selfcheck import Coverage, Round, selfcheck
from limn.audit.statistics.shares import wilson
from limn.audit.study import Check, Study
from limn.audit.table import Table
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Coins(Study):
    """Throws coins.

    Args:
        level: What its intervals are made for.
        off: Added to the truth.
        dead: Share of audits that give nothing.
    """

    level: float = 0.95
    off: float = 0.0
    dead: float = 0.0

    def probe(self) -> Probe:
        return Probe(asks=())

    def analyse(self, table: Table) -> Report:
        return Report(title="", question="")

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        n = 0 if rng.random() < self.dead else 400
        found = wilson(int(rng.binomial(n, 0.3)), n, level=self.level)
        return [Check(name="heads", truth=0.3 + self.off, estimate=found.value, low=found.low, high=found.high)]


def coverage(**options: float) -> Coverage:
    *rounds, found = selfcheck("coins", Coins(**options), audits=200)
    assert [each.done for each in rounds if isinstance(each, Round)] == list(range(1, 201))
    assert isinstance(found, Coverage)
    return found


def test_sound_intervals_hold() -> None:
    found = coverage()
    assert found.verdict == "holds"
    assert found.estimable == found.audits == 200
    assert found.covered.low is not None
    assert found.covered.low < 0.95 < (found.covered.high or 0)
    assert abs(found.bias or 1) < 0.01


def test_unsound_intervals_are_found_out() -> None:
    assert coverage(level=0.8).verdict == "too narrow"
    assert coverage(off=0.1).verdict == "too narrow"
    assert coverage(level=0.999).verdict == "wider than needed"


def test_what_is_not_estimable_is_counted_apart() -> None:
    found = coverage(dead=0.5)
    assert 60 < found.estimable < 140
    assert found.verdict == "holds"
    none = coverage(dead=1.0)
    assert (none.estimable, none.covered.value, none.bias, none.verdict) == (0, None, None, "not estimable")


def test_seeds_decide() -> None:
    assert coverage() == coverage()
    with pytest.raises(InputError, match="audits"):
        list(selfcheck("coins", Coins(), audits=0))
