"""UniPC: a predictor of the order asked for, corrected by answers that are there anyway."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ideal import Mixture, path, walk
from limn.kernel.errors import InputError
from limn.kernel.sampler import Sampler
from limn.samplers.ddim import DDIM
from limn.samplers.dpmpp_2m import DPMpp2M
from limn.samplers.unipc import UniPC

X = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]


@pytest.mark.parametrize("family", ["vp", "edm", "flow"])
def test_error_falls_with_the_second_power_of_the_step(family: str, slope: Callable[[Sampler, str], float]) -> None:
    """The last step of any order is of the first, and corrected by none."""
    for order in (1, 2, 3):
        assert slope(UniPC(solver_order=order), family) == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("family", ["vp", "edm", "flow"])
def test_the_corrector_brings_it_closer(family: str) -> None:
    levels, mixture = path(family, 40), Mixture()

    def error(part: Sampler) -> float:
        end = walk(part, levels, X, mixture)
        return float((mixture.quantile(end, levels[-1]) - mixture.quantile(X, levels[0])).abs().max())

    assert error(UniPC(solver_order=1)) < 0.3 * error(DDIM())
    assert error(UniPC(solver_order=1)) < 0.3 * error(UniPC(solver_order=1, corrector=False))


@pytest.mark.parametrize("family", ["vp", "edm"])
def test_uncorrected_it_is_ddim_or_dpm_solver(family: str) -> None:
    levels = path(family, 12)
    first, second = (walk(UniPC(solver_order=order, corrector=False), levels, X) for order in (1, 2))
    assert torch.allclose(first, walk(DDIM(), levels, X), atol=1e-12)
    assert torch.allclose(second, walk(DPMpp2M(), levels, X), atol=1e-12)


@pytest.mark.parametrize("order", [0, 4])
def test_other_orders_are_refused(order: int) -> None:
    with pytest.raises(InputError, match=f"sampler unipc: solver_order={order} is not allowed; give 1, 2 or 3"):
        UniPC(solver_order=order)
