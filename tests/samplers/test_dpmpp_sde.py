"""DPM-Solver++ SDE: right in distribution, of second order without its noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from ideal import Mixture, path, walk
from limn.kernel.errors import InputError
from limn.kernel.sampler import Sampler
from limn.samplers.dpmpp_sde import DPMppSDE

FAMILIES = ["vp", "edm", "flow"]


@pytest.mark.parametrize("family", FAMILIES)
def test_variance_converges_to_that_of_the_data(
    family: str, variance_slope: Callable[[Sampler, str], float]
) -> None:
    assert variance_slope(DPMppSDE(), family) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_noise_error_falls_with_the_second_power(
    family: str, slope: Callable[[Sampler, str], float]
) -> None:
    assert slope(DPMppSDE(eta=0.0), family) == pytest.approx(2, abs=0.2)


def test_a_pair_of_steps_is_algorithm_1_of_the_paper() -> None:
    mixture, (start, middle, end) = Mixture(), path("vp", 2)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    h, half = (math.log(start.ratio / level.ratio) for level in (end, middle))
    first = mixture.clean(x, start)
    u = middle.sigma / start.sigma * x - middle.alpha * math.expm1(-half) * first
    r = half / h
    ahead = (1 - 1 / (2 * r)) * first + 1 / (2 * r) * mixture.clean(u, middle)
    want = end.sigma / start.sigma * x - end.alpha * math.expm1(-h) * ahead
    torch.testing.assert_close(walk(DPMppSDE(eta=0.0), (start, middle, end), x, mixture), want)


@pytest.mark.parametrize("eta", [-0.1, 1.1])
def test_a_share_outside_0_and_1_is_refused(eta: float) -> None:
    with pytest.raises(InputError, match="sampler dpmpp_sde: eta="):
        DPMppSDE(eta=eta)
