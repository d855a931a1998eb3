"""DPM-Solver++ (2M): second order at one prediction a step."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from ideal import Mixture, path, walk
from limn.kernel.sampler import Sampler
from limn.samplers.ddim import DDIM
from limn.samplers.dpmpp_2m import DPMpp2M
from limn.samplers.levels import Flow


@pytest.mark.parametrize("family", ["vp", "edm", "flow"])
def test_error_falls_with_the_second_power_of_the_step(family: str, slope: Callable[[Sampler, str], float]) -> None:
    assert slope(DPMpp2M(), family) == pytest.approx(2, abs=0.15)


def test_it_is_algorithm_2_of_the_paper() -> None:
    mixture, levels = Mixture(), path("vp", 20)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    end = walk(DPMpp2M(), levels, x, mixture)
    lambdas = [-math.log(level.ratio) for level in levels]
    before = None
    for k in range(1, 21):
        clean, h = mixture.clean(x, levels[k - 1]), lambdas[k] - lambdas[k - 1]
        ahead = clean
        if before is not None:
            r = (lambdas[k - 1] - lambdas[k - 2]) / h
            ahead = (1 + 1 / (2 * r)) * clean - 1 / (2 * r) * before
        before = clean
        x = levels[k].sigma / levels[k - 1].sigma * x - levels[k].alpha * math.expm1(-h) * ahead
    assert torch.allclose(end, x, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 2])
def test_the_first_and_the_clean_step_are_those_of_ddim(steps: int) -> None:
    levels = Flow().levels(steps, DPMpp2M())
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    assert torch.allclose(walk(DPMpp2M(), levels, x), walk(DDIM(), levels, x), atol=1e-12)


def test_the_last_of_a_few_steps_is_of_lower_order_unless_told() -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    for steps, same in ((14, False), (15, True)):
        ends = [walk(DPMpp2M(lower_order_final=lower), path("vp", steps), x) for lower in (True, False)]
        assert torch.equal(*ends) == same
