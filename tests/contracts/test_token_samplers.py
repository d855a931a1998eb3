"""What every registered sampler of tokens must satisfy."""

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
from limn.kernel import registry
from limn.kernel.codec import HIDDEN
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler
from limn.kernel.step import Step
from limn.samplers.decoding import Masking, Raster

NAMES = [name for name in registry.names("samplers") if registry.find("samplers", name).space == "logits"]  # type: ignore[attr-defined]
TOKENS, CLASSES = 12, 7


def default(name: str) -> Sampler:
    part = registry.build("samplers", {"name": name})
    assert isinstance(part, Sampler)
    return part


def plan(name: str) -> tuple[Masking | Raster, int]:
    return (Raster(tokens=TOKENS), TOKENS) if name == "next_token" else (Masking(), 5)


def logits(step: Step) -> Tensor:
    """Logits of each place that depend on what is decided in this picture only."""
    seen = (step.x + 2).double() @ torch.arange(1.0, TOKENS + 1).double()
    places = torch.arange(TOKENS)[:, None] + torch.arange(CLASSES) * 2
    return torch.sin(seen[:, None, None] + places).float() * 3


def run(name: str, seeds: list[int], start: Tensor | None = None) -> list[Step]:
    part, (schedule, steps) = default(name), plan(name)
    start = torch.zeros(len(seeds), TOKENS) if start is None else start
    return list(part.walk(logits, start, schedule.levels(steps, part), Streams(seeds)))


def test_there_are_some() -> None:
    assert {"next_token", "resample", "unmask"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen_data_and_a_record(name: str) -> None:
    part = default(name)
    assert dataclasses.is_dataclass(part)
    assert type(part).__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(field.kw_only for field in dataclasses.fields(part))
    assert registry.build("samplers", json.loads(json.dumps(registry.record(part), allow_nan=False))) == part
    assert hash(part) == hash(dataclasses.replace(part))
    bibliography = (Path(inspect.getfile(limn)).parent / "references.bib").read_text("utf-8")
    assert re.search(rf"@\w+\{{{part.paper},", bibliography)
    assert all(f"    {field.name}: " in (part.__doc__ or "") for field in dataclasses.fields(part))


@pytest.mark.parametrize("name", NAMES)
def test_yields_one_step_for_each_pair_of_levels_and_ends_with_tokens(name: str) -> None:
    steps, (schedule, count) = run(name, [1, 2]), plan(name)
    assert [step.next for step in steps] == [b for _, b in pairwise(schedule.levels(count, default(name)))]
    assert [(step.index, step.total) for step in steps] == [(k, count) for k in range(count)]
    for step in steps:
        assert step.clean is not None
        assert step.x.shape == step.clean.shape == (2, TOKENS)
        assert step.x.dtype == torch.int64
        assert HIDDEN <= step.x.min() <= step.x.max() < CLASSES
    assert (steps[-1].x != HIDDEN).all()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_given_away_is_changed_later_and_the_global_stream_is_left_alone(name: str) -> None:
    start = torch.randint(CLASSES, (1, TOKENS), generator=torch.Generator().manual_seed(0))
    start[0, 3:] = HIDDEN
    before, kept, random = start.clone(), [], torch.random.get_rng_state()
    part, (schedule, count) = default(name), plan(name)
    given = []
    for step in part.walk(logits, start, schedule.levels(count, part), Streams([4])):
        given.append(step.x)
        kept.append(step.x.clone())
    assert all(map(torch.equal, given, kept))
    assert torch.equal(start, before)
    assert torch.equal(torch.random.get_rng_state(), random)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_does_not_depend_on_its_neighbours(name: str) -> None:
    together = run(name, [5, 6, 7])
    for row, seed in enumerate([5, 6, 7]):
        alone = run(name, [seed])
        assert all(torch.equal(both.x[[row]], one.x) for both, one in zip(together, alone, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_answers_that_are_no_numbers_leave_that_picture_undecided_and_no_other_touched(name: str) -> None:
    part, (schedule, steps) = default(name), plan(name)

    def half_broken(step: Step) -> Tensor:
        answer = logits(step)
        answer[1] = torch.nan
        return answer

    *_, last = part.walk(half_broken, torch.zeros(2, TOKENS), schedule.levels(steps, part), Streams([5, 6]))
    assert (last.x[1] == HIDDEN).any()
    assert torch.equal(last.x[[0]], run(name, [5])[-1].x)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_is_another_picture(name: str) -> None:
    last = run(name, list(range(8)))[-1].x
    assert len({tuple(row) for row in last.tolist()}) > 4
