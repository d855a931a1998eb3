from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from limn.kernel.codec import HIDDEN
from limn.kernel.rng import Streams
from limn.kernel.step import Step
from limn.samplers.decoding import Raster
from limn.samplers.next_token import NextToken

CHAIN = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])


def markov(step: Step) -> Tensor:
    """The exact conditionals of a Markov chain that starts in state 0."""
    place = step.index
    before = step.x[:, place - 1] if place else torch.zeros(len(step.x), dtype=torch.int64)
    assert (step.x[:, place:] == HIDDEN).all(), "nothing ahead is seen"
    assert (step.x[:, :place] != HIDDEN).all()
    return CHAIN[before].log()[:, None]


def walk(part: NextToken, start: Tensor, seeds: list[int]) -> list[Step]:
    return list(part.walk(markov, start, Raster(tokens=start.shape[1]).levels(start.shape[1], part), Streams(seeds)))


def test_one_token_a_step_from_left_to_right() -> None:
    steps = walk(NextToken(), torch.zeros(2, 5), [1, 2])
    assert [int((step.x == HIDDEN).sum()) for step in steps] == [8, 6, 4, 2, 0]
    for early, late in pairwise(steps):
        kept = early.x != HIDDEN
        assert torch.equal(late.x[kept], early.x[kept])


def test_draws_the_chain_it_is_told() -> None:
    last = walk(NextToken(), torch.zeros(4000, 3), list(range(4000)))[-1].x
    for place in (1, 2):
        for state in range(3):
            followers = last[last[:, place - 1] == state, place]
            found = torch.bincount(followers, minlength=3) / len(followers)
            torch.testing.assert_close(found, CHAIN[state], atol=0.05, rtol=0)


def test_the_likeliest_chain_without_temperature() -> None:
    assert walk(NextToken(temperature=0.0), torch.zeros(1, 4), [0])[-1].x.tolist() == [[0, 0, 0, 0]]


def test_tokens_that_are_given_stay_and_are_read() -> None:
    start = torch.tensor([[HIDDEN, 1, HIDDEN, HIDDEN], [2, 2, 2, 2]])
    last = walk(NextToken(temperature=0.0), start, [0, 1])[-1].x
    assert last.tolist() == [[0, 1, 1, 1], [2, 2, 2, 2]]
