"""Euler: first order, straight on flows, and churn that keeps the distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch

from ideal import Mixture, path, walk
from limn.kernel.errors import InputError
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler
from limn.samplers.euler import Euler
from limn.samplers.levels import Flow

FAMILIES = ["vp", "edm", "flow"]


@pytest.mark.parametrize("family", FAMILIES)
def test_error_falls_with_the_first_power_of_the_step(family: str, slope: Callable[[Sampler, str], float]) -> None:
    assert slope(Euler(), family) == pytest.approx(1, abs=0.05)


def test_on_flow_levels_it_adds_velocity_times_the_step() -> None:
    mixture, levels = Mixture(), Flow().levels(10, Euler())
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    end = walk(Euler(), levels, x, mixture)
    for here, there in pairwise(levels):
        clean = mixture.clean(x, here)
        x = x + (there.time - here.time) * (x - clean) / here.time
    assert torch.allclose(end, x, atol=1e-12)


def test_on_variance_exploding_levels_it_is_algorithm_2_without_correction() -> None:
    mixture, levels = Mixture(), path("edm", 10)
    x = 20 * torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    end = walk(Euler(), levels, x, mixture)
    for here, there in pairwise(levels):
        x = x + (there.sigma - here.sigma) * (x - mixture.clean(x, here)) / here.sigma
    assert torch.allclose(end, x, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("churn", [3.0, 20.0])
def test_churn_keeps_the_variance(
    churn: float, family: str, variance_slope: Callable[[Sampler, str], float]
) -> None:
    assert variance_slope(Euler(s_churn=churn), family) == pytest.approx(1, abs=0.15)


def test_churn_acts_between_its_limits_only() -> None:
    x, levels = torch.zeros(1, 5), path("edm", 8)
    plain = walk(Euler(), levels, x)
    assert torch.equal(walk(Euler(s_churn=4.0, s_tmin=100.0), levels, x), plain)
    assert torch.equal(walk(Euler(s_churn=4.0, s_tmax=0.01), levels, x), plain)
    assert not torch.equal(walk(Euler(s_churn=4.0), levels, x), plain)
    assert not torch.equal(walk(Euler(s_churn=4.0, s_tmin=0.1, s_tmax=5.0), levels, x), plain)


@pytest.mark.parametrize("churn", [0.3, 5.0])
def test_a_churned_step_is_that_of_algorithm_2_for_a_certain_network(churn: float) -> None:
    """Where the answer does not depend on the noise, asking before or after raising it is the same."""
    x, clean, (here, there) = torch.tensor([[2.0]]), 0.25, path("edm", 1)
    (step,) = Euler(s_churn=churn, s_noise=1.01).walk(
        lambda step: torch.full_like(step.x, clean), x, [here, there], Streams([7])
    )
    drawn = torch.randn(1, generator=torch.Generator().manual_seed(7)).item()
    raised = here.sigma * (1 + min(churn, math.sqrt(2) - 1))
    hat = 2.0 + math.sqrt(raised**2 - here.sigma**2) * 1.01 * drawn
    assert step.x.item() == pytest.approx(hat + (there.sigma - raised) * (hat - clean) / raised, abs=1e-6)


@pytest.mark.parametrize("option", [{"s_churn": -1.0}, {"s_tmin": math.nan}, {"s_noise": math.inf}])
def test_churn_that_makes_no_sense_is_refused(option: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(option))):
        Euler(**option)
