"""What every study must satisfy, also with pictures that nobody can read and with none at all."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Ask
from limn.audit.report.page import page
from limn.audit.report.parts import Figures, Report
from limn.audit.report.write import record
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.study import Check, Study
from limn.kernel import registry
from limn.testing.parts import check_part


def check_study(study: Study) -> None:
    """Check that a study asks the same each time, and never takes what nobody can read for a share.

    Args:
        study: With any options.

    Raises:
        AssertionError: Its probe changes, or does not only grow with ``n``; or it gives a number where nothing could
            be read, without saying so on its page.
    """
    check_part("studies", study)
    name = registry.name_of(study)
    assert study.paper, f"{name}: names no paper; a study repeats a published question"
    if not study.probe().asks:
        return
    assert study.probe() == study.probe(), f"{name}: asks something else the second time"
    few, many = replace(study, n=1).probe(), replace(study, n=3).probe()
    assert few.asks == many.asks, f"{name}: asks something else when n grows"
    assert many.items()[: few.total] == few.items(), f"{name}: draws other pictures first when n grows"
    assert all(ask.prompt.strip() for ask in many.asks), f"{name}: asks for nothing"
    for drawn in (True, False):
        _check_blind(replace(study, n=1), drawn=drawn)


def check_selfcheck(study: Study) -> None:
    """Check that a study's audit of an oracle is the same for the same seed; it may take long.

    Raises:
        AssertionError: It is not, names other quantities for another seed, or plants what is not finite.
    """
    name = registry.name_of(study)
    first, again, other = ([*study.selfcheck(np.random.default_rng(seed))] for seed in (0, 0, 1))
    assert first and first == again, f"{name}: its selfcheck differs for the same seed"
    planted = all(isinstance(row, Check) and np.isfinite(row.truth) for row in first)
    assert planted, f"{name}: its selfcheck plants what is not a finite number"
    same = sorted(row.name for row in first) == sorted(row.name for row in other)
    assert same, f"{name}: its selfcheck names other quantities for another seed"


def _noise(ask: Ask, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng([seed, 727_003]).integers(0, 256, (32, 32, 3), np.uint8)


def _check_blind(study: Study, *, drawn: bool) -> None:
    """Pictures of noise, or none at all, are not estimable."""
    name = registry.name_of(study)
    source = FromOracle(picture=_noise if drawn else lambda ask, seed: None, name="blind")
    table = in_memory(study.probe(), [source], study.read_by)
    report = study.analyse(table)
    assert table.account().drawn == (len(table) if drawn else 0)
    blind = [row for part in _figures(report) for row in part.rows if row.readable == 0]
    for row in blind:
        assert row.value is None, f"{name}: {row.name} is {row.value} of nothing readable"
        assert row.note, f"{name}: {row.name} does not say why it is not estimable"
    assert json.dumps(record(report, table), allow_nan=False)
    assert report.question and report.caveats, f"{name}: a report has a question and caveats"
    assert study.paper in report.papers, f"{name}: its report does not cite {study.paper}"
    text = page(report, table, command="limn", study=name)
    none = any(words in text for words in ("not estimable", "not tested"))
    assert none or not (blind or not drawn), f"{name}: its page does not say that nothing can be estimated"


def _figures(report: Report) -> list[Figures]:
    return [part for section in report.sections for part in section.parts if isinstance(part, Figures)]
