"""DDIM against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from ideal import Mixture, path, walk
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler
from limn.samplers.ddim import DDIM
from limn.samplers.euler_ancestral import EulerAncestral

FAMILIES = ["vp", "edm", "flow"]


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_one_step_is_equation_12(eta: float) -> None:
    x, clean, levels = torch.tensor([[1.0]]), 0.25, [Level(0.6, 0.8, 2.0), Level(0.8, 0.6, 1.0)]
    (step,) = DDIM(eta=eta).walk(lambda step: torch.full_like(step.x, clean), x, levels, Streams([7]))
    drawn = torch.randn(1, generator=torch.Generator().manual_seed(7)).item()
    fresh = eta * math.sqrt((1 - 0.64) / (1 - 0.36)) * math.sqrt(1 - 0.36 / 0.64)
    noise = (1 - 0.6 * clean) / 0.8
    wanted = 0.8 * clean + math.sqrt(0.36 - fresh**2) * noise + fresh * drawn
    assert step.x.item() == pytest.approx(wanted, abs=1e-6)
    assert step.clean is not None
    assert step.clean.item() == clean


@pytest.mark.parametrize("family", FAMILIES)
def test_gaussian_data_end_at_the_exact_solution(family: str) -> None:
    gaussian, levels = Mixture(means=(0.3,), spread=0.5), path(family, 500)
    first, last = levels[0], levels[-1]
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)[None]
    gain = math.hypot(0.5 * last.alpha, last.sigma) / math.hypot(0.5 * first.alpha, first.sigma)
    exact = 0.3 * last.alpha + gain * (x - 0.3 * first.alpha)
    assert torch.allclose(walk(DDIM(), levels, x, gaussian), exact, atol=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_error_falls_with_the_first_power_of_the_step(family: str, slope: Callable[[Sampler, str], float]) -> None:
    assert slope(DDIM(), family) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_the_step_is_that_of_ancestral(family: str, eta: float) -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    ours, theirs = (walk(part, path(family, 12), x) for part in (DDIM(eta=eta), EulerAncestral(eta=eta)))
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan])
def test_a_share_outside_0_and_1_is_refused(eta: float) -> None:
    with pytest.raises(InputError, match="eta"):
        DDIM(eta=eta)
