"""Does a study's interval hold the truth as often as it says? Asked of oracles whose habits are known exactly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.shares import clopper_pearson
from limn.audit.study import Check, Study
from limn.kernel.errors import InputError

SLACK = 0.03
"""How far coverage over some hundred audits may lie from its level."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One small audit is done.

    Args:
        done: Audits done.
        total: Audits to do.
        seconds: Time taken so far.
    """

    done: int
    total: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often the intervals of one quantity held its true value.

    Args:
        study: The study.
        name: The quantity.
        truth: Its true value, the mean where every audit planted another.
        level: How often its intervals should hold it.
        audits: Audits done.
        estimable: Audits that gave an interval.
        covered: Share of those whose interval held the truth, with an exact interval of its own.
        bias: Mean of the estimates less the truth.
        width: Mean width of the intervals.
    """

    study: str
    name: str
    truth: float
    level: float
    audits: int
    estimable: int
    covered: Estimate
    bias: float | None
    width: float | None

    @property
    def verdict(self) -> str:
        """``holds``, ``too narrow``, ``wider than needed``, ``too few to tell`` or ``not estimable``."""
        value, low, high = self.covered.value, self.covered.low, self.covered.high
        if value is None or low is None or high is None:
            return "not estimable"
        if high - low > 4 * SLACK and low <= self.level <= high:
            return "too few to tell"
        if value < self.level - SLACK - 1e-9:
            return "too narrow"
        return "wider than needed" if value > self.level + SLACK + 1e-9 else "holds"


def selfcheck(name: str, study: Study, *, audits: int = 200, seed: int = 0) -> Iterator[Round | Coverage]:
    """Do many small audits of oracles, and count how often the truth was in the interval.

    Args:
        name: The study's name.
        study: The study with its options.
        audits: How many; every one has its own seeds.
        seed: Of all of them.

    Yields:
        A round after each audit, and at last the coverage of each quantity.

    Raises:
        InputError: If there are no audits to do.
    """
    if audits < 1:
        raise InputError(f"audits: {audits} is not allowed; give 1 or more")
    quantities: dict[str, list[Check]] = {}
    start = time.monotonic()
    for number in range(audits):
        for check in study.selfcheck(np.random.default_rng([seed, number])):
            quantities.setdefault(check.name, []).append(check)
        yield Round(done=number + 1, total=audits, seconds=time.monotonic() - start)
    for quantity, checks in quantities.items():
        yield _coverage(name, quantity, checks)


def _coverage(study: str, quantity: str, checks: list[Check]) -> Coverage:
    known = [check for check in checks if check.covered is not None]
    spans = np.array([(check.estimate, check.truth, check.low, check.high) for check in known], float).reshape(-1, 4)
    finite = spans[np.isfinite(spans).all(axis=1)]
    return Coverage(
        study=study,
        name=quantity,
        truth=float(np.mean([check.truth for check in checks])),
        level=checks[0].level,
        audits=len(checks),
        estimable=len(known),
        covered=clopper_pearson(sum(bool(check.covered) for check in known), len(known)),
        bias=float((finite[:, 0] - finite[:, 1]).mean()) if len(finite) else None,
        width=float((finite[:, 3] - finite[:, 2]).mean()) if len(finite) else None,
    )
