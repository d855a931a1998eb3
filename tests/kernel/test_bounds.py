"""Dynamic thresholding is what diffusers' schedulers compute."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.kernel.bounds import threshold


@given(share=st.floats(0, 1), size=st.integers(1, 40), seed=st.integers(0, 1000), spread=st.floats(0.1, 10))
def test_equals_the_quantile(share: float, size: int, seed: int, spread: float) -> None:
    clean = torch.randn(3, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * spread
    limit = torch.quantile(clean.abs(), share, dim=1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(threshold(clean, share), clean.clamp(-limit, limit) / limit, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.995])
def test_equals_the_scheduler(share: float) -> None:
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(thresholding=True, dynamic_thresholding_ratio=share, sample_max_value=1e6)
    clean = (
        torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        * torch.tensor([0.2, 1, 3, 9])[:, None, None, None]
    )
    torch.testing.assert_close(threshold(clean, share), scheduler._threshold_sample(clean), rtol=1e-6, atol=1e-6)


def test_states_of_any_size() -> None:
    """torch.quantile itself refuses tensors of more than sixteen million values."""
    clean = torch.full((1, 2**24 + 1), 4.0)
    assert torch.equal(threshold(clean, 0.9), torch.ones_like(clean))


def test_half_precision() -> None:
    clean = torch.tensor([[0.5, -2.0]], dtype=torch.float16)
    assert torch.equal(threshold(clean, 1.0), torch.tensor([[0.25, -1.0]], dtype=torch.float16))
