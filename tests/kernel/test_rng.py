"""Random streams belong to pictures, not to batches."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.kernel.rng import Streams


@given(seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5))
def test_a_stream_is_the_same_alone(seeds: list[int]) -> None:
    together = Streams(seeds)
    alone = [Streams([seed]) for seed in seeds]
    for shape in [(3,), (4, 8, 8)]:
        assert torch.equal(together.normal(shape), torch.cat([each.normal(shape) for each in alone]))
    assert torch.equal(together.uniform((2,)), torch.cat([each.uniform((2,)) for each in alone]))
    assert torch.equal(together.fork("up").normal((2,)), torch.cat([each.fork("up").normal((2,)) for each in alone]))


def test_the_first_noise_is_torch_s_own() -> None:
    expected = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(7))
    assert torch.equal(Streams([7]).normal((4, 8, 8))[0], expected)


def test_forks_differ_from_each_other_and_from_the_stream() -> None:
    streams = Streams([7])
    draws = [streams.normal((64,)), streams.fork("a").normal((64,)), streams.fork("b").normal((64,))]
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) == 3


def test_global_randomness_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    Streams([1]).normal((4,))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_choices_follow_the_shares_and_the_picture() -> None:
    shares = torch.tensor([0.1, 0.6, 0.3]).expand(2, 4000, 3)
    drawn = Streams([4, 9]).choose(shares)
    assert drawn.shape == (2, 4000)
    counts = torch.stack([torch.bincount(row, minlength=3) for row in drawn]) / 4000
    torch.testing.assert_close(counts, shares[:, 0], atol=0.03, rtol=0)
    assert torch.equal(Streams([9]).choose(shares[:1])[0], drawn[1])
    certain = torch.tensor([0.0, 0.0, 1.0]).expand(2, 5, 3)
    assert (Streams([1, 2]).choose(certain) == 2).all()
