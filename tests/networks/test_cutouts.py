from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from limn.networks.cutouts import cutouts, outside, spherical, total_variation


@given(
    seed=st.integers(0, 1000), height=st.integers(6, 20), width=st.integers(6, 20), size=st.integers(1, 12),
    smallest=st.floats(0.05, 1.0),
)  # fmt: skip
def test_each_is_the_pooled_square(seed: int, height: int, width: int, size: int, smallest: float) -> None:
    random = torch.Generator().manual_seed(seed)
    x = torch.rand(2, 3, height, width, generator=random, dtype=torch.float64)
    draws = torch.rand(2, 4, 3, generator=random, dtype=torch.float64)
    found, most = cutouts(x, draws, size, smallest), min(height, width)
    least = max(1, round(smallest * most))
    for picture in range(2):
        for cut in range(4):
            u, v, w = draws[picture, cut].tolist()
            side = int(u**0.5 * (most - least) + least)
            top, left = int(v * (height - side + 1)), int(w * (width - side + 1))
            assert least <= side <= most
            square = x[picture, :, top : top + side, left : left + side]
            assert torch.allclose(found[picture, cut], F.adaptive_avg_pool2d(square, size), atol=1e-12)


def test_cut_outs_of_a_whole_picture_are_the_picture() -> None:
    x, draws = torch.rand(1, 3, 8, 8), torch.rand(1, 2, 3)
    assert torch.allclose(cutouts(x, draws, 8, 1.0), x[:, None].expand(1, 2, 3, 8, 8))


@pytest.mark.parametrize("angle", [0.1, 1.0, 2.0, 3.0])
def test_the_spherical_distance_is_half_the_squared_angle(angle: float) -> None:
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([math.cos(angle), math.sin(angle)])
    assert float(spherical(one, other)) == pytest.approx(angle**2 / 2, rel=1e-4)


def test_the_spherical_distance_has_finite_slopes_everywhere() -> None:
    for other in ([1.0, 0.0], [-1.0, 0.0]):
        x = torch.tensor([1.0, 0.0], requires_grad=True)
        spherical(x, torch.tensor(other)).backward()
        assert x.grad is not None
        assert x.grad.isfinite().all()


def test_total_variation_of_a_ramp_and_of_a_plain() -> None:
    ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    assert total_variation(ramp).tolist() == [pytest.approx(3 / 4)]
    assert total_variation(torch.ones(2, 3, 4, 4)).tolist() == [0.0, 0.0]


def test_outside_counts_what_is_past_the_range() -> None:
    assert outside(torch.tensor([[[[0.5, -1.0], [3.0, -2.0]]]])).tolist() == [pytest.approx(5 / 4)]
