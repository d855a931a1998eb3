"""What every study must do, also with pictures that nobody can read and with none at all."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from limn.audit.probe import Ask
from limn.audit.report.page import page
from limn.audit.report.parts import Figure, Figures, Report
from limn.audit.report.write import record
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.study import Check, Study, find, names, parse
from limn.audit.table import Table
from limn.kernel import registry

NAMES = names()
DRAWING = [name for name in NAMES if parse(name).probe().asks]


def noise(ask: Ask, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng([seed, 727_003]).integers(0, 256, (32, 32, 3), np.uint8)


@cache
def analysed(name: str, kind: str) -> tuple[Study, Table, Report]:
    study = replace(parse(name), n=1)
    source = FromOracle(picture=noise if kind == "unreadable" else lambda ask, seed: None, name="blind")
    table = in_memory(study.probe(), [source], study.readers)
    return study, table, study.analyse(table)


def figures(report: Report) -> list[Figure]:
    parts = [part for section in report.sections for part in section.parts if isinstance(part, Figures)]
    return [row for part in parts for row in part.rows]


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_a_record(name: str) -> None:
    study = parse(name)
    assert registry.build("studies", json.loads(json.dumps(registry.record(study)))) == study
    assert {"n", "seed"} <= {each.name for each in fields(study)}
    assert find(name).paper


@pytest.mark.parametrize("name", DRAWING)
def test_a_probe_is_the_same_each_time_and_grows_with_n(name: str) -> None:
    study = parse(name)
    assert study.probe() == study.probe()
    few, many = replace(study, n=1).probe(), replace(study, n=3).probe()
    assert few.asks == many.asks
    assert many.items()[: few.total] == few.items()
    assert all(ask.prompt.strip() for ask in many.asks)


@pytest.mark.parametrize("kind", ["unreadable", "undrawn"])
@pytest.mark.parametrize("name", DRAWING)
def test_what_nobody_can_read_is_not_estimable_and_never_a_share(name: str, kind: str) -> None:
    _, table, report = analysed(name, kind)
    assert table.account().drawn == (0 if kind == "undrawn" else len(table))
    rows = figures(report)
    for row in rows:
        if row.readable == 0:
            assert row.value is None, f"{name}: {row.name} is {row.value} of nothing readable"
            assert row.note, f"{name}: {row.name} does not say why"
    text = page(report, table, command="limn", study=name)
    assert re.search(r"not estimable|not tested", text)
    assert json.dumps(record(report, table), allow_nan=False)
    assert report.question
    assert report.caveats
    assert find(name).paper in report.papers


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_selfcheck_names_the_same_quantities_each_time(name: str) -> None:
    study = parse(name)
    first, again, other = ([*study.selfcheck(np.random.default_rng(seed))] for seed in (0, 0, 1))
    assert first == again
    assert first
    assert all(isinstance(each, Check) and np.isfinite(each.truth) for each in first)
    assert sorted(each.name for each in first) == sorted(each.name for each in other)
