"""TCD: between DDIM and a consistency model, over whole timesteps or any other levels."""

from __future__ import annotations

import math

import pytest
import torch

from ideal import path
from limn.kernel.errors import InputError
from limn.kernel.rng import Streams
from limn.samplers.ddim import DDIM
from limn.samplers.levels import Discrete, Edm, Flow
from limn.samplers.tcd import TCD

START = torch.linspace(-1, 1, 5, dtype=torch.float64)[None]


@pytest.mark.parametrize("family", ["edm", "flow"])
def test_without_noise_it_is_ddim(family: str) -> None:
    levels = path(family, 3)
    walks = [part.walk(lambda step: 0.3 * step.x, START, levels, Streams([4])) for part in (TCD(gamma=0), DDIM())]
    for one, other in zip(*walks, strict=True):
        torch.testing.assert_close(one.x, other.x)


def test_with_all_of_it_a_step_is_the_answer_with_fresh_noise() -> None:
    noises = Streams([4])
    for step in TCD(gamma=1).walk(lambda step: 0.3 * step.x, START, path("edm", 3), Streams([4])):
        assert step.clean is not None
        fresh = noises.normal((5,)) if step.next.sigma else 0
        torch.testing.assert_close(step.x, step.next.alpha * step.clean + step.next.sigma * fresh)


def test_levels_say_what_is_passed_on_the_way() -> None:
    schedule = Discrete()
    levels = schedule.levels(4, TCD(gamma=0.25))
    assert [level.time for level in levels] == [999, 759, 499, 259, 0]
    every = Discrete(spacing="trailing").levels(1000, DDIM())
    by_time = {level.time: level.ratio for level in every}
    for level in levels[1:-1]:
        assert level.below == pytest.approx(by_time[math.floor(0.75 * level.time)])
    assert all(level.below is None for level in schedule.levels(4, DDIM()))
    for other in (Edm(), Flow()):
        assert all(level.below is None for level in other.levels(4, TCD()))


@pytest.mark.parametrize("gamma", [-0.1, 1.1, math.nan])
def test_options_out_of_range(gamma: float) -> None:
    with pytest.raises(InputError, match="sampler tcd: gamma="):
        TCD(gamma=gamma)
