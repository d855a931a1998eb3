"""The page of a comparison: paired differences, gaps, curves, and means of domains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limn.audit.report.parts import Curves, Figures
from limn.synth.comparison import Plan, Result
from limn.synth.worth import MEAN, Results, report, write_worth

FIELDS = {
    "arms": {"real": {}, "made": {"of": ["made"], "at": 2.0}, "more": {"of": ["made"], "at": 4.0}},
    "numbers": [10, 20], "seeds": 3, "tests": {"easy": "a", "hard": "b"}, "gaps": {"ground": ["easy", "hard"]},
    "axis": "scale",
}  # fmt: skip
BASE = {"real": 0.6, "made": 0.7, "more": 0.5}


def results(*, leave_out: str = "") -> Results:
    plan = Plan.of({**FIELDS, "leave_out": leave_out}, ["real", "made"])
    rows = []
    for arm, base in BASE.items():
        for number in plan.numbers:
            for seed in range(3):
                value = base + 0.01 * seed + 0.001 * number
                both = {"easy": value, "hard": value - 0.2}
                parts = [(name, {name: one}) for name, one in both.items()] if leave_out else [("", both)]
                rows += [
                    Result(arm=arm, classifier="residual", number=number, seed=seed, left_out=name, right=right)
                    for name, right in parts
                ]
    return Results(plan=plan, rows=rows)


def test_differences_are_paired_by_seed() -> None:
    known = results()
    gain = known.gain("made", "residual", 20, "easy")
    assert gain.value == pytest.approx(0.1)
    assert gain.high - gain.low < 1e-6, "what seeds share falls out"  # type: ignore[operator]
    plain = known.accuracy("made", "residual", 20, "easy")
    assert plain.high - plain.low > 0.04  # type: ignore[operator]
    assert known.gap("made", "residual", 20, ("easy", "hard")).value == pytest.approx(0.2)


def test_the_mean_of_domains_is_taken_within_a_seed() -> None:
    known = results(leave_out="style")
    assert known.tests == [MEAN, "easy", "hard"]
    assert known.accuracy("real", "residual", 10, MEAN).value == pytest.approx(0.6 + 0.01 + 0.01 - 0.1)


def test_the_page_has_curves_gaps_and_the_sweep(tmp_path: Path) -> None:
    made = report(results())
    parts = [part for section in made.sections for part in section.parts]
    titles = [part.title for part in parts if isinstance(part, Figures | Curves)]
    assert "ground: easy less hard" in titles
    assert "easy: by scale" in titles
    assert "easy: learning curves" in titles
    assert made.findings[0].startswith("residual, easy, 20 pictures of a class: made 73.0%, real 63.0%")
    page = write_worth(tmp_path, made, "limn synth compare real made")
    assert "limn synth compare" in page.read_text()
    assert json.loads((tmp_path / "report.json").read_text())["title"] == "What the pictures are worth"
