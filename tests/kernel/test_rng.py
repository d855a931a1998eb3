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
