"""What every registered sampler of clean states must satisfy; those of tokens: test_token_samplers.py."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

import limn
from ideal import SCHEDULES, Mixture
from limn.kernel import registry
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler
from limn.kernel.step import Step

NAMES = [name for name in registry.names("samplers") if registry.find("samplers", name).space == "clean"]  # type: ignore[attr-defined]
CASES = [(name, schedule) for name in NAMES for schedule in SCHEDULES]
SHAPE = (3, 4, 4)
STEPS = 5


def default(name: str) -> Sampler:
    part = registry.build("samplers", {"name": name})
    assert isinstance(part, Sampler)
    return part


def noisy(name: str) -> Sampler:
    """The sampler with its sources of noise switched on."""
    options = {"ddim": {"eta": 0.7}, "euler": {"s_churn": 2.0}}.get(name, {})
    part = registry.build("samplers", {"name": name, **options})
    assert isinstance(part, Sampler)
    return part


def run(part: Sampler, schedule: str, seeds: list[int], steps: int = STEPS) -> list[Step]:
    plan, streams = SCHEDULES[schedule], Streams(seeds)
    start = streams.normal(SHAPE) * plan.start_scale(steps, part)
    return list(part.walk(Mixture().predict, start, plan.levels(steps, part), streams))


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen_data_and_a_record(name: str) -> None:
    for part in (default(name), noisy(name)):
        assert dataclasses.is_dataclass(part)
        assert type(part).__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert all(field.kw_only for field in dataclasses.fields(part))
        assert registry.build("samplers", json.loads(json.dumps(registry.record(part), allow_nan=False))) == part
        assert hash(part) == hash(dataclasses.replace(part))


@pytest.mark.parametrize("name", NAMES)
def test_source_and_docstring(name: str) -> None:
    part = registry.find("samplers", name)
    bibliography = (Path(inspect.getfile(limn)).parent / "references.bib").read_text("utf-8")
    assert re.search(rf"@\w+\{{{part.paper},", bibliography)
    assert part.__doc__
    for field in dataclasses.fields(part):  # type: ignore[arg-type]
        assert f"    {field.name}: " in part.__doc__


@pytest.mark.parametrize(("name", "schedule"), CASES)
def test_yields_one_step_for_each_pair_of_levels(name: str, schedule: str) -> None:
    part = default(name)
    steps, levels = run(part, schedule, [1, 2]), SCHEDULES[schedule].levels(STEPS, part)
    assert [(step.level, step.next) for step in steps] == list(pairwise(levels))
    assert [(step.index, step.total) for step in steps] == [(k, STEPS) for k in range(STEPS)]
    for step in steps:
        assert step.primary
        assert step.clean is not None
        assert step.x.shape == step.clean.shape == (2, *SHAPE)
        assert step.x.dtype == torch.float32
        assert step.x.isfinite().all()


@pytest.mark.parametrize(("name", "schedule"), CASES)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_ends_at_the_answer_of_a_constant_network(name: str, schedule: str, steps: int) -> None:
    part, plan, streams = noisy(name), SCHEDULES[schedule], Streams([3])
    answer = torch.linspace(-1, 1, 48).view(1, *SHAPE)
    start = streams.normal(SHAPE) * plan.start_scale(steps, part)
    *_, last = part.walk(lambda step: answer, start, plan.levels(steps, part), streams)
    assert torch.allclose(last.x, answer, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_happens_until_the_walk_is_asked_for(name: str) -> None:
    part, asked = default(name), list[Step]()

    def predict(step: Step) -> Tensor:
        asked.append(step)
        return step.x * 0.5

    start = torch.ones(1, *SHAPE)
    levels = SCHEDULES["flow"].levels(STEPS, part)
    walk = part.walk(predict, start, levels, Streams([0]))
    assert not asked
    first = next(walk)
    assert {step.index for step in asked} == {0}
    kept = first.x.clone()
    next(walk)
    assert torch.equal(first.x, kept), "a step given away is not changed later"
    assert torch.equal(start, torch.ones(1, *SHAPE))
    walk.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(walk)


@pytest.mark.parametrize(("name", "schedule"), CASES)
def test_asks_as_often_as_it_says(name: str, schedule: str) -> None:
    part, asked = default(name), list[Step]()
    levels = SCHEDULES[schedule].levels(STEPS, part)

    def predict(step: Step) -> Tensor:
        asked.append(step)
        return Mixture().predict(step)

    list(part.walk(predict, torch.ones(1, *SHAPE), levels, Streams([0])))
    assert len(asked) == part.calls * (STEPS - 1) + 1
    assert [step.index for step in asked if step.primary] == list(range(STEPS))
    assert all(step.level in levels[:-1] for step in asked), "only about levels the schedule gave"
    assert all(step.streams is not None for step in asked)


@pytest.mark.parametrize(("name", "schedule"), CASES)
def test_a_picture_does_not_depend_on_its_neighbours(name: str, schedule: str) -> None:
    before = torch.random.get_rng_state()
    together = run(noisy(name), schedule, [5, 6, 7])
    again = run(noisy(name), schedule, [7, 5])
    for row, seed in enumerate([5, 6, 7]):
        alone = run(noisy(name), schedule, [seed])
        for both, one in zip(together, alone, strict=True):
            assert torch.allclose(both.x[row : row + 1], one.x, rtol=1e-5, atol=1e-5)
    assert torch.allclose(again[-1].x, together[-1].x[[2, 0]], rtol=1e-5, atol=1e-5)
    assert torch.equal(torch.random.get_rng_state(), before), "the global stream is left alone"


@pytest.mark.parametrize(("name", "schedule"), CASES)
def test_precision_of_the_state_is_kept(name: str, schedule: str) -> None:
    part, plan = noisy(name), SCHEDULES[schedule]
    for kind in (torch.float64, torch.float16):
        start = torch.ones(1, *SHAPE, dtype=kind)
        *_, last = part.walk(lambda step: step.x * 0.1, start, plan.levels(3, part), Streams([0]))
        assert last.x.dtype == kind
