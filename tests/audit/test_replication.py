from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from limn.audit.probe import Ask, Probe
from limn.audit.replication import Copies, Memory
from limn.audit.report.copies import copies_figures
from limn.audit.run import in_memory
from limn.audit.studies.memorisation.page import nearness, neighbours, repeats
from limn.audit.synthetic import Copycat
from limn.audit.table import Table
from limn.audit.training_sets import TrainingSet


@cache
def noise(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (count, 8, 8, 3)).astype(np.uint8)


def memory(**changed: object) -> Memory:
    known = TrainingSet(
        name="noise", pictures=noise(0, 120), captions=("a",) * 120, copies=np.repeat([1, 4, 16], 40),
        held=noise(1, 400), held_captions=("b",) * 400,
    )  # fmt: skip
    return Memory(known=replace(known, **changed))  # type: ignore[arg-type]


def audit(rate: float, each: int = 300, weights: np.ndarray | None = None) -> Table:
    source = Copycat(training=noise(0, 120), fresh=noise(2, 5000), rate=rate, weights=weights).source()
    return in_memory(Probe(asks=(Ask(prompt="a"),), each=each), [source], [])


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_planted_copying_is_found(rate: float) -> None:
    copies = Copies.of(audit(rate), memory())
    assert copies.copied.value == pytest.approx(rate, abs=0.05)
    assert copies.copied.low <= rate + 1e-9  # type: ignore[operator]
    assert copies.extracted.value == pytest.approx(rate, abs=0.05)
    assert copies.by_ratio.value == pytest.approx(rate, abs=0.05)


def test_copies_are_of_the_pictures_that_were_copied() -> None:
    pictures = list(noise(0, 120)[[5, 70]])
    near = memory().look(pictures)
    assert near.places.tolist() == [5, 70]
    assert near.similar == pytest.approx([1, 1])
    assert near.ratio == pytest.approx([0, 0])


def test_repeated_pictures_are_copied_more() -> None:
    weights = np.repeat([1.0, 4.0, 16.0], 40)
    copies = Copies.of(audit(1.0, 90, weights), memory())
    dose = copies.dose(memory())
    assert dose is not None
    few, _, many = (each.value for each in dose.shares)
    assert few < many  # type: ignore[operator]
    assert dose.slope.value > 0  # type: ignore[operator]
    part = repeats({"model": copies}, memory())
    assert part is not None
    assert [row.name for row in part.rows] == ["1 times", "4 times", "16 times"]
    once = memory(copies=np.ones(120, np.int64))
    assert repeats({"model": copies}, once) is None


def test_too_few_held_out_pictures_are_not_estimable() -> None:
    few = memory(held=noise(1, 20), held_captions=("b",) * 20)
    copies = Copies.of(audit(1.0, 10), few)
    assert not copies.copied.estimable
    assert copies.dose(few) is None
    (first, *_) = copies_figures({("model", "all"): copies}, few).rows
    assert "20 held-out pictures" in first.note


def test_no_pictures_at_all() -> None:
    table = audit(0.0, 4)
    nothing = Copies.of(replace(table, rows=()), memory())
    assert not nothing.copied.estimable
    assert not nothing.extracted.estimable
    assert [each.name for each in nearness({"model": nothing}, memory()).lines] == ["held-out pictures"]
    assert neighbours("model", nothing, memory()).groups == {"drawn": [], "nearest": []}


def test_the_nearest_stand_under_what_was_drawn() -> None:
    copies = Copies.of(audit(1.0, 20), memory())
    sheet = neighbours("model", copies, memory())
    assert len(sheet.groups["drawn"]) == len(sheet.groups["nearest"]) == 12
    far = [
        np.abs(one.astype(float) - two).mean()
        for one, two in zip(sheet.groups["drawn"], sheet.groups["nearest"], strict=True)
    ]
    assert max(far) < 8


def test_prompts_are_resampled_where_there_are_enough() -> None:
    prompts = np.repeat(np.arange(30), 4)
    score = np.where(prompts < 9, 1.0, 0.0)
    held = np.random.default_rng(0).random(400)
    by_prompt = memory().excess(score, held, prompts)
    by_picture = memory().excess(score, held, np.arange(120))
    assert by_prompt.value == by_picture.value == pytest.approx(0.3, abs=0.02)
    assert by_prompt.high - by_prompt.low > 1.5 * (by_picture.high - by_picture.low)  # type: ignore[operator]
