"""Comparisons: equal numbers and steps, paired draws, domains left out, and nothing trained twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limn.kernel.errors import InputError
from limn.synth.comparison import REAL, Plan, Result, _lesson, compare, read_plan, usual
from limn.synth.labelled import Labelled

GRID = "linear:features=grid"


def world(hue: int, n: int = 12, *, domains: bool = False, wrong: float = 0.0) -> Labelled:
    """Dark and light squares, on a ground whose hue is the domain."""
    rng, pictures, labels, names = np.random.default_rng(hue), [], [], []
    for k in range(2 * n):
        shade = (k % 2) ^ int(rng.random() < wrong)
        ground = (k // 2 % 3) if domains else hue
        base = np.full((16, 16, 3), 60 + 90 * shade) + 40 * np.eye(3)[ground % 3]
        pictures.append(np.clip(base + rng.normal(0, 8, base.shape), 0, 255).astype(np.uint8))
        labels.append(("dark", "light")[k % 2])
        names.append(f"hue {ground}" if domains else "")
    keys = tuple(map(str, range(2 * n)))
    return Labelled(pictures=pictures, labels=tuple(labels), keys=keys, domains=tuple(names))


def rows(plan: Plan, sources: dict[str, Labelled], tests: dict[str, Labelled], folder: Path) -> list[Result]:
    return [event for event in compare(plan, sources, tests, folder) if isinstance(event, Result)]


def test_wrong_labels_cost_what_they_should_and_results_are_kept(tmp_path: Path) -> None:
    sources = {REAL: world(0), "noisy": world(1, wrong=0.5)}
    plan = Plan.of({"classifiers": [GRID], "numbers": [4, 10], "seeds": 3, "epochs": 1}, list(sources))
    assert set(plan.arms) == {"real", "noisy", "real + noisy", "randaugment", "mixup"}
    found = rows(plan, sources, {"test": world(2)}, tmp_path)
    assert len(found) == 5 * 2 * 3
    best = {arm: np.mean([row.right["test"] for row in found if row.arm == arm]) for arm in plan.arms}
    assert best["real"] > 0.95
    assert best["noisy"] < 0.8
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    assert rows(plan, sources, {"test": world(2)}, tmp_path) == found
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}


def test_arms_share_draws_numbers_and_steps() -> None:
    sources = {REAL: world(0), "made": world(1)}
    plan = Plan.of(
        {"arms": {"real": {}, "half": {"of": ["real", "made"]}, "both": {"of": ["real"], "add": ["made"]}}},
        list(sources),
    )
    lessons = {name: _lesson(plan, arm, sources, ["dark", "light"], 6, 3, "") for name, arm in plan.arms.items()}
    assert {name: len(one.pictures) for name, one in lessons.items()} == {"real": 12, "half": 12, "both": 24}
    assert len({one.steps for one in lessons.values()}) == 1
    of = {name: {one.tobytes() for one in lesson.pictures} for name, lesson in lessons.items()}
    assert of["real"] < of["both"]
    assert len(of["half"] & of["real"]) == 6


def test_domains_are_left_out_in_turn_and_never_learned_from(tmp_path: Path) -> None:
    source = world(0, 18, domains=True)
    plan = Plan.of({"classifiers": [GRID], "numbers": [5], "seeds": 2, "leave_out": "style"}, [REAL])
    found = rows(plan, {REAL: source}, {}, tmp_path)
    assert {row.left_out for row in found} == {"hue 0", "hue 1", "hue 2"}
    assert all(set(row.right) == {row.left_out} for row in found)
    lesson = _lesson(plan, plan.arms["real"], {REAL: source}, ["dark", "light"], 5, 0, "hue 1")
    unseen = {one.tobytes() for one, name in zip(source.pictures, source.domains, strict=True) if name == "hue 1"}
    assert not unseen & {one.tobytes() for one in lesson.pictures}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[arms.a]\nof = ['reel']\n", "reel"),
        ("[arms.a]\naugment = 'autoaugment'\n", "autoaugment"),
        ("[arms.a]\nat = 'x'\n", "arms.a.at"),
        ("reference = 'none'\n", "none"),
        ("seeds = 1\n", "seeds"),
        ("epoch = 3\n", "epoch"),
        ("[gaps]\nback = ['one', 'two']\n", "gaps.back"),
    ],
)
def test_what_is_wrong_in_a_plan_is_named(tmp_path: Path, text: str, names: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=names):
        read_plan(path, [REAL], {})


def test_a_source_that_is_too_small_is_named(tmp_path: Path) -> None:
    plan = Plan.of({"classifiers": [GRID], "numbers": [50]}, [REAL])
    with pytest.raises(InputError, match="has 12 pictures of dark, 50 are needed"):
        rows(plan, {REAL: world(0)}, {"test": world(2)}, tmp_path)
    assert list(usual(["real", "a"])) == ["real", "a", "real + a", "randaugment", "mixup"]
