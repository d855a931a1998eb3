from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from limn.audit.oracles import Copycat
from limn.audit.probe import Ask, Probe
from limn.audit.replication import Memory, Seen, copying, nearness, neighbours, repeats
from limn.audit.run import in_memory
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
    seen = Seen.of(audit(rate), memory())
    assert seen.copied.value == pytest.approx(rate, abs=0.05)
    assert seen.copied.low <= rate + 1e-9  # type: ignore[operator]
    assert seen.extracted.value == pytest.approx(rate, abs=0.05)
    assert seen.by_ratio.value == pytest.approx(rate, abs=0.05)


def test_copies_are_of_the_pictures_that_were_copied() -> None:
    pictures = list(noise(0, 120)[[5, 70]])
    near = memory().look(pictures)
    assert near.places.tolist() == [5, 70]
    assert near.similar == pytest.approx([1, 1])
    assert near.ratio == pytest.approx([0, 0])


def test_repeated_pictures_are_copied_more() -> None:
    weights = np.repeat([1.0, 4.0, 16.0], 40)
    seen = Seen.of(audit(1.0, 90, weights), memory())
    dose = seen.dose(memory())
    assert dose is not None
    few, _, many = (each.value for each in dose.shares)
    assert few < many  # type: ignore[operator]
    assert dose.slope.value > 0  # type: ignore[operator]
    part = repeats({"model": seen}, memory())
    assert part is not None
    assert [row.name for row in part.rows] == ["1 times", "4 times", "16 times"]
    once = memory(copies=np.ones(120, np.int64))
    assert repeats({"model": seen}, once) is None


def test_too_few_held_out_pictures_are_not_estimable() -> None:
    few = memory(held=noise(1, 20), held_captions=("b",) * 20)
    seen = Seen.of(audit(1.0, 10), few)
    assert not seen.copied.estimable
    assert seen.dose(few) is None
    (first, *_) = copying({("model", "all"): seen}, few).rows
    assert "20 held-out pictures" in first.note


def test_no_pictures_at_all() -> None:
    table = audit(0.0, 4)
    nothing = Seen.of(replace(table, rows=()), memory())
    assert not nothing.copied.estimable
    assert not nothing.extracted.estimable
    assert [each.name for each in nearness({"model": nothing}, memory()).lines] == ["held-out pictures"]
    assert neighbours("model", nothing, memory()).groups == {"drawn": [], "nearest": []}


def test_the_nearest_stand_under_what_was_drawn() -> None:
    seen = Seen.of(audit(1.0, 20), memory())
    sheet = neighbours("model", seen, memory())
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
