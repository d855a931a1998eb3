"""The loop: resumed runs equal whole ones, what is kept is what was measured best, damage is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lessons
from limn.kernel.errors import InputError, WeightsError
from limn.personalise.loop import METRICS, Plan, history

TEXT = "lora:batch=2,rank=2,lr=0.05"


def test_a_resumed_run_equals_an_uninterrupted_one_to_the_last_bit(tmp_path: Path) -> None:
    plan = Plan(steps=5, every=2, looks=1)
    whole = lessons.learning(tmp_path / "a", TEXT, lessons.native(tmp_path / "m"), plan=plan, caption="a dog")
    lessons.finished(whole)
    stopped = lessons.learning(tmp_path / "b", TEXT, lessons.native(tmp_path / "m"), plan=plan, caption="a dog")
    lessons.first(stopped.steps(), 4)  # a step after the last measurement, which is lost
    resumed = lessons.learning(tmp_path / "b", TEXT, lessons.native(tmp_path / "m"), plan=plan, caption="a dog")
    events = lessons.finished(resumed)
    assert events[0].step == 3
    assert whole.kept.keys() == resumed.kept.keys()
    assert all(torch.equal(whole.kept[name], resumed.kept[name]) for name in whole.kept)
    assert whole.history == resumed.history == history(tmp_path / "a/work") == history(tmp_path / "b/work")


def test_the_best_measured_step_is_kept_and_learning_ends_by_itself(tmp_path: Path) -> None:
    plan = Plan(every=1, patience=2, looks=0)
    run = lessons.learning(
        tmp_path, "lora:batch=2,rank=2,lr=5,most=30", lessons.native(tmp_path / "m"), plan=plan, caption="a dog"
    )
    lessons.finished(run)
    scores = [one.score for one in run.history]
    assert run.kept_at == run.history[scores.index(min(scores))].step
    assert run.step < 30, "so high a rate only spoils"
    assert len(run.history) - 1 - scores.index(min(scores)) == 2


def test_so_many_steps_keep_the_last_and_a_stop_keeps_the_best(tmp_path: Path) -> None:
    plan = Plan(steps=4, every=1, looks=0)
    text = "lora:batch=2,rank=2,lr=5"
    run = lessons.learning(tmp_path / "a", text, lessons.native(tmp_path / "m"), plan=plan, caption="a dog")
    lessons.finished(run)
    assert run.kept_at == 4
    stopped = lessons.learning(tmp_path / "b", text, lessons.native(tmp_path / "m"), plan=plan, caption="a dog")
    lessons.first(stopped.steps(), 3)
    scores = [one.score for one in stopped.history]
    assert stopped.kept_at == stopped.history[scores.index(min(scores))].step


def test_another_run_and_damage_are_told(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path / "m")
    lessons.finished(lessons.learning(tmp_path, TEXT, generator, caption="a dog"))
    other = lessons.learning(tmp_path, "lora:rank=3", generator, caption="a dog")
    with pytest.raises(InputError, match="another method"):
        lessons.finished(other)
    (tmp_path / "work" / METRICS).write_text('{"step": 0}\n', encoding="utf-8")
    with pytest.raises(WeightsError, match=r"metrics\.jsonl: damaged"):
        history(tmp_path / "work")


def test_plans_out_of_bounds_are_refused() -> None:
    for wrong in ({"steps": -1}, {"every": 0}, {"patience": 0}, {"looks": 65}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Plan(**wrong)
