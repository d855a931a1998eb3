"""Runs side by side: exact differences, pairs by prompt, correction, and JSON as its schema says."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limn.audit.compare import SCHEMA_FILE, compare
from limn.audit.group_shares import Readings
from limn.audit.measure import Measure
from limn.audit.rows import ReaderFacts
from limn.audit.run import audit
from limn.audit.sources import FromPeople
from limn.audit.statistics.clustered import paired_difference
from limn.audit.statistics.permutation import sign_flip, two_samples
from limn.audit.studies.culture import Culture
from limn.audit.studies.stereotypes import Stereotypes
from limn.audit.study import Study
from limn.audit.synthetic import leaning
from limn.data.people import Population
from limn.kernel.errors import InputError

KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def conforms(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> None:
    """What of JSON Schema the file uses."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "const" in schema:
        assert value == schema["const"]
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None:
        assert "null" in kinds
        return
    allowed = [KINDS[kind] for kind in kinds if kind != "null"]
    assert any(isinstance(value, kind) for kind in allowed), (value, schema)
    assert isinstance(value, bool) == (bool in allowed)
    assert schema.get("minimum", value) <= value <= schema.get("maximum", value) if "minimum" in schema else True
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value)
        assert set(value) <= set(schema.get("properties", {})) or schema.get("additionalProperties", True)
        for name, inner in schema.get("properties", {}).items():
            conforms(value[name], inner, whole)
    for inner in value if isinstance(value, list) else ():
        conforms(inner, schema["items"], whole)


def run(study: Study, folder: Path, *sources: FromPeople) -> Path:
    list(audit(study, sources, folder, readers=["people"]))
    return folder


def test_models_of_several_runs_and_studies_stand_in_one_table(tmp_path: Path) -> None:
    ask = Stereotypes(n=8)
    one = run(ask, tmp_path / "one", FromPeople(name="even", population=Population()))
    two = run(replace(ask, seed=9), tmp_path / "two", FromPeople(name="even", population=leaning(1)),
              FromPeople(name="far", population=leaning(3)))  # fmt: skip
    three = run(Culture(n=3), tmp_path / "three", FromPeople(name="even", population=Population()))
    found = compare([one, two, three])
    women = [entry.model for entry in found.figures if entry.measure == "represented as woman"]
    assert women == ["even (one)", "even (two)", "far"]
    assert {entry.study for entry in found.figures} == {"stereotypes", "culture"}
    assert [(entry.model, entry.less) for entry in found.differences] == [
        ("even (one)", "even (two)"), ("even (one)", "far"), ("even (two)", "far"),
    ]  # fmt: skip
    assert all(entry.paired and entry.prompts == 6 and entry.unit == "concepts" for entry in found.differences)
    assert "3 tests" in found.correction
    record = json.loads(json.dumps(found.record()))
    schema = json.loads(SCHEMA_FILE.read_text())
    conforms(record, schema, schema)
    lines = list(csv.DictReader(io.StringIO(found.csv())))
    assert len(lines) == len(found.figures) + len(found.differences)
    assert lines[0]["model"] == "even (one)"
    with pytest.raises(InputError, match="nothing to compare"):
        compare([one, three])
    with pytest.raises(InputError, match="given twice"):
        compare([one, one])
    with pytest.raises(InputError, match="no audit is here"):
        compare([tmp_path])


def measure(shares: dict[str, float], rng: np.random.Generator, **facts: Any) -> Measure:
    values = np.concatenate([rng.random(20) < share for share in shares.values()]).astype(float)
    return Measure(name="m", values=values, prompts=[name for name in shares for _ in range(20)], **facts)


def test_prompts_that_both_have_are_paired_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    shares = {f"p{k}": float(p) for k, p in enumerate(rng.random(12))}
    one, two = measure(shares, rng), measure({**shares, "other": 1.0}, rng)
    estimate, test, paired = one.less(two)
    assert paired
    assert estimate == paired_difference(one.values, np.array(one.prompts), two.values, np.array(two.prompts))
    first, second = one.figures(), two.figures()
    assert test == sign_flip([first[name] - second[name] for name in first])
    three = measure({f"q{k}": p for k, p in enumerate(shares.values())}, rng)
    estimate, test, paired = one.less(three)
    assert not paired
    from scipy.stats import ttest_ind

    means = list(first.values()), list(three.figures().values())
    ends = ttest_ind(*means, equal_var=False).confidence_interval()
    assert (estimate.low, estimate.high) == pytest.approx((ends.low, ends.high))
    assert test == two_samples(*means)


def test_corrected_measures_differ_by_what_is_behind_them() -> None:
    confusion = np.array([[850, 150, 0], [50, 950, 0]])

    def corrected(shares: list[float], counted: np.ndarray[Any, Any] = confusion) -> Measure:
        rates = confusion / 1000
        readings = {
            f"c{k}": Readings(counts=tuple(np.round(10_000 * (p * rates[0] + (1 - p) * rates[1])).astype(int)),
                              confusion=counted, of=0, among=(0, 1), truths=(0, 0))
            for k, p in enumerate(shares)
        }  # fmt: skip
        values = np.zeros(len(shares))
        return Measure(
            name="m", values=values, prompts=list(readings), readings=readings, readers=(ReaderFacts(name="r"),)
        )

    few = corrected([0.05, 0.95]).estimate()
    assert (few.low, few.high) == (0, 1), "a share of few concepts stays one"
    one, two = corrected([0.2, 0.5, 0.8]), corrected([0.1, 0.5, 0.6])
    assert one.estimate().value == pytest.approx(0.5, abs=1e-3)
    assert one.less(two)[0].value == pytest.approx(0.1, abs=1e-3)
    assert one.why_not(two) == ""
    assert "other pictures" in one.why_not(corrected([0.2, 0.5], 2 * confusion))
    assert "read by r and nobody" in one.why_not(replace(two, readers=()))
    assert "only one is corrected" in one.why_not(replace(two, readings=None))


def test_of_equal_models_few_are_told_apart() -> None:
    rng, told, held = np.random.default_rng(1), 0, 0
    for _ in range(200):
        shares = {f"p{k}": float(rng.beta(1, 3)) for k in range(12)}
        estimate, test, _ = measure(shares, rng).less(measure(shares, rng))
        told += test.p is not None and test.p <= 0.05
        held += estimate.covers(0.0)
    assert told <= 18
    assert held >= 182
