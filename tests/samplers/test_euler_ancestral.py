"""Euler ancestral: right in distribution, Euler without its noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from ideal import path, walk
from limn.kernel.errors import InputError
from limn.kernel.sampler import Sampler
from limn.samplers.ddim import DDIM
from limn.samplers.euler import Euler
from limn.samplers.euler_ancestral import EulerAncestral

FAMILIES = ["vp", "edm", "flow"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("part", [EulerAncestral(), EulerAncestral(eta=0.5), DDIM(eta=1.0)], ids=str)
def test_variance_converges_to_that_of_the_data(
    part: Sampler, family: str, variance_slope: Callable[[Sampler, str], float]
) -> None:
    assert variance_slope(part, family) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_noise_it_is_euler(family: str) -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    ours, euler = (walk(part, path(family, 12), x) for part in (EulerAncestral(eta=0.0), Euler()))
    assert torch.allclose(ours, euler, atol=1e-12)


def test_each_picture_draws_its_own_noise() -> None:
    x = torch.zeros(2, 5)
    end = walk(EulerAncestral(), path("edm", 8), x, seeds=[1, 2])
    assert not torch.equal(end[0], end[1])
    assert torch.allclose(end[1:], walk(EulerAncestral(), path("edm", 8), x[1:], seeds=[2]))


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.inf])
def test_a_share_outside_0_and_1_is_refused(eta: float) -> None:
    with pytest.raises(InputError, match="eta"):
        EulerAncestral(eta=eta)
