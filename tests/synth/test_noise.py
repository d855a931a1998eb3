"""Label noise: intervals hold what was planted, by the judge's errors and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import made_sets
from limn.audit.readers.noisy import Noisy
from limn.synth.datasheet import judged_by
from limn.synth.judge import Judge
from limn.synth.making import Choice, Made, make
from limn.synth.noise import kept_noise, label_noise
from limn.synth.recipes.name import Name
from made_sets import SHAPES, judge, make_set

PLANTED = 0.25


def truth(made: Made) -> dict[str, bool]:
    """Whether each picture shows another shape than asked, as the exact reader says."""
    rows = [row for row in made.table.rows if row.drawn]
    shown = judge().reader.read([made.table.load(row) for row in rows])
    return {row.key: reading.values["shape"] != row.group for row, reading in zip(rows, shown, strict=True)}


def test_an_exact_judge_reads_the_planted_noise(tmp_path: Path) -> None:
    made = make_set(tmp_path, 60, noise=PLANTED, choice=Choice(twins=False))
    wrong = truth(made)
    whole, *classes = label_noise(made.table, judged_by(made), {})
    assert whole.read.value == np.mean(list(wrong.values()))
    assert whole.best is whole.read
    assert whole.read.covers(PLANTED)
    assert whole.account.asked == 180
    assert whole.account.drawn == 177
    assert [one.name for one in classes] == list(SHAPES)


def bad_judge(seed: int) -> Judge:
    """A judge that misreads one in six, whose errors were counted on 150 pictures of each class."""
    values = judge().reader.fields["shape"]
    rates = np.full((len(values), len(values) + 1), 0.0)
    for k in range(len(values)):
        rates[k, k], rates[k, (k + 1) % len(values)], rates[k, -1] = 0.8, 0.15, 0.05
    reader = Noisy(
        reader=judge().reader, field="shape", rates=tuple(map(tuple, rates.tolist())), calibration=150, seed=seed
    )
    return Judge(reader=reader, field="shape", values=judge().values)


def test_behind_a_bad_judge_and_with_people_the_noise_is_found(tmp_path: Path) -> None:
    asks = Name().asks(made_sets.classes(), 90)
    events = make(asks, made_sets.source(PLANTED), tmp_path, judge=bad_judge(1), choice=Choice(twins=False))
    made = next(event for event in events if isinstance(event, Made))
    wrong = truth(made)
    real = float(np.mean(list(wrong.values())))
    answers = {
        row.key: "wrong" if wrong[row.key] else "right"
        for group in SHAPES
        for row in [row for row in made.table.of(group=group).rows if row.drawn][:50]
    }
    whole = label_noise(made.table, judged_by(made), {})[0]
    assert whole.read.value is not None
    assert whole.read.value > real + 0.08, "as read it is too much"
    assert whole.behind.value == pytest.approx(real, abs=0.09)
    assert whole.best is whole.behind
    by_hand = label_noise(made.table, judged_by(made), answers)[0]
    assert by_hand.checked.covers(real)
    assert by_hand.best is by_hand.checked
    assert "150 pictures by hand" in by_hand.checked.how


def test_noise_of_what_passes_is_bayes_rule() -> None:
    confusion = [[9000, 1000, 0], [2000, 8000, 0]]
    shares = np.array([0.7, 0.3])
    read = shares @ np.array([[0.9, 0.1], [0.2, 0.8]]) * 20_000
    kept = kept_noise([*read, 0], confusion, 0, 0)
    assert kept.value == pytest.approx(0.3 * 0.2 / (0.7 * 0.9 + 0.3 * 0.2), abs=1e-6)
    assert kept.low < kept.value < kept.high  # type: ignore[operator]


def test_by_hand_alone_intervals_hold_the_planted_share() -> None:
    from limn.audit.rows import Row
    from limn.synth.noise import hand_share

    rng, held = np.random.default_rng(5), 0
    for turn in range(40):
        wrong = rng.random(200) < 0.1
        said = np.where(rng.random(200) < 0.85, wrong, ~wrong)  # what an uncounted judge says
        rows = [
            Row(source="m", ask=k, take=0, seed=k, prompt="p", slots={}, group="a", pair="", key=str(k), file="",
                sha256="x", flaw="")
            for k in range(200)
        ]  # fmt: skip
        values = {str(k): "b" if said[k] else "a" for k in range(200)}
        answers = {str(k): "wrong" if wrong[k] else "right" for k in range(50)}
        held += hand_share(rows, values, answers, seed=turn).covers(0.1)
    assert held >= 35
