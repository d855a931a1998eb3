"""Heun: second order, with secondary evaluations that are marked as such."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from ideal import Mixture, path, walk
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler
from limn.kernel.step import Step
from limn.samplers.heun import Heun
from limn.samplers.levels import Flow


@pytest.mark.parametrize("family", ["vp", "edm", "flow"])
def test_error_falls_with_the_second_power_of_the_step(family: str, slope: Callable[[Sampler, str], float]) -> None:
    assert slope(Heun(), family) == pytest.approx(2, abs=0.1)


def test_on_variance_exploding_levels_it_is_algorithm_1() -> None:
    mixture, levels = Mixture(), path("edm", 10)
    x = 20 * torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    end = walk(Heun(), levels, x, mixture)
    for here, there in pairwise(levels):
        slope, span = (x - mixture.clean(x, here)) / here.sigma, there.sigma - here.sigma
        guess = x + span * slope
        x = x + span * (slope + (guess - mixture.clean(guess, there)) / there.sigma) / 2
    assert torch.allclose(end, x, atol=1e-10)


def test_on_flow_levels_it_averages_velocities_from_pure_noise_on() -> None:
    mixture, levels = Mixture(), Flow().levels(10, Heun())
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    end = walk(Heun(), levels, x, mixture)
    for here, there in pairwise(levels):
        slope, span = (x - mixture.clean(x, here)) / here.time, there.time - here.time
        guess = x + span * slope
        if there.time:
            slope = (slope + (guess - mixture.clean(guess, there)) / there.time) / 2
        x = x + span * slope
    assert torch.allclose(end, x, atol=1e-10)


def test_the_second_evaluation_is_secondary_and_at_the_next_level() -> None:
    asked: list[Step] = []

    def predict(step: Step) -> Tensor:
        asked.append(step)
        return Mixture().predict(step)

    levels = Flow().levels(3, Heun())
    list(Heun().walk(predict, torch.zeros(1, 2), levels, Streams([0])))
    assert [(step.index, step.primary) for step in asked] == [
        (0, True),
        (0, False),
        (1, True),
        (1, False),
        (2, True),
    ]
    assert [step.level for step in asked] == [levels[0], levels[1], levels[1], levels[2], levels[2]]
