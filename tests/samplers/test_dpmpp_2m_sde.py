"""DPM-Solver++ (2M) SDE: right in distribution to second order, DPM-Solver++ without its noise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ideal import path, walk
from limn.kernel.errors import InputError
from limn.kernel.sampler import Sampler
from limn.samplers.ddim import DDIM
from limn.samplers.dpmpp_2m import DPMpp2M
from limn.samplers.dpmpp_2m_sde import DPMpp2MSDE

FAMILIES = ["vp", "edm", "flow"]
X = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_variance_converges_to_that_of_the_data(
    eta: float, family: str, variance_slope: Callable[[Sampler, str], float]
) -> None:
    assert variance_slope(DPMpp2MSDE(eta=eta), family) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_noise_it_is_dpm_solver(family: str) -> None:
    ours, other = (walk(part, path(family, 12), X) for part in (DPMpp2MSDE(eta=0.0), DPMpp2M()))
    assert torch.allclose(ours, other, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_its_first_step_is_that_of_ddim_with_noise(family: str) -> None:
    ours, other = (walk(part, path(family, 1), X, seeds=[3]) for part in (DPMpp2MSDE(), DDIM(eta=1.0)))
    assert torch.allclose(ours, other, atol=1e-12)


@pytest.mark.parametrize("eta", [-0.1, 1.1])
def test_a_share_outside_0_and_1_is_refused(eta: float) -> None:
    with pytest.raises(InputError, match="sampler dpmpp_2m_sde: eta="):
        DPMpp2MSDE(eta=eta)
