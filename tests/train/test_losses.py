from __future__ import annotations

import pytest
import torch

from limn.kernel.errors import InputError
from limn.train.losses import NoiseLevels, edges, noisy


def test_noise_levels_are_logit_normal() -> None:
    levels = NoiseLevels(time_mean=0.5, time_std=2.0).levels(20_000, torch.Generator().manual_seed(0))
    normal = torch.logit(levels.double())
    assert normal.mean() == pytest.approx(0.5, abs=0.05)
    assert normal.std() == pytest.approx(2.0, abs=0.05)


def test_noise_is_added_by_its_level() -> None:
    clean = torch.randn(4, 2, 3, 3)
    x, time, noise = noisy(clean, NoiseLevels(), torch.Generator().manual_seed(0))
    sigma = time[:, None, None, None]
    assert torch.equal(x, (1 - sigma) * clean + sigma * noise)


def test_levels_need_a_spread() -> None:
    with pytest.raises(InputError, match=r"objective\.time_std must be from 0.001"):
        NoiseLevels(time_std=0.0)


def test_an_even_error_has_no_edges() -> None:
    assert edges(torch.full((1, 3, 4, 4), 0.5)) == 0
    assert edges(torch.arange(4.0).expand(1, 3, 4, 4)) == 1
