"""LCM: fresh noise at every step, and the boundary condition of a consistency model."""

from __future__ import annotations

import math

import pytest
import torch

from ideal import path
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.samplers.lcm import LCM
from limn.samplers.levels import Flow

CLEAN = Level(1.0, 0.0, 0.0)
START = torch.linspace(-1, 1, 5, dtype=torch.float64)[None]


@pytest.mark.parametrize("family", ["edm", "flow"])
def test_a_step_is_the_answer_with_fresh_noise(family: str) -> None:
    levels, noises = path(family, 3), Streams([4])
    for step in LCM().walk(lambda step: 0.3 * step.x, START, levels, Streams([4])):
        assert step.clean is not None
        want = step.next.alpha * step.clean + step.next.sigma * noises.normal((5,))
        torch.testing.assert_close(step.x, want)


def test_at_time_0_the_answer_is_the_state() -> None:
    for time, share in ((0.0, 1.0), (0.05, 0.5), (1e6, 0.0)):
        (step,) = LCM().walk(lambda step: 0 * step.x, START, [Level(0.6, 0.8, time), CLEAN], Streams([1]))
        torch.testing.assert_close(step.x, share * START)
    (step,) = LCM().walk(lambda step: 2 * step.x, START, [Level(0.6, 0.8, 0.05), CLEAN], Streams([1]))
    torch.testing.assert_close(step.x, (0.5 + 2 * math.sqrt(0.5)) * START)


def test_one_step_draws_no_noise() -> None:
    levels = Flow().levels(1, LCM())
    one, two = (list(LCM().walk(lambda step: 0.5 * step.x, START, levels, Streams([seed]))) for seed in (1, 2))
    assert torch.equal(one[-1].x, two[-1].x)


@pytest.mark.parametrize("scaling", [0.0, -1.0, math.inf])
def test_options_out_of_range(scaling: float) -> None:
    with pytest.raises(InputError, match="sampler lcm: timestep_scaling="):
        LCM(timestep_scaling=scaling)
