from __future__ import annotations

import torch
from torch import Tensor

from limn.kernel.codec import HIDDEN
from limn.kernel.rng import Streams
from limn.kernel.step import Step
from limn.samplers.decoding import Masking
from limn.samplers.resample import Resample


def test_a_few_tokens_change_at_each_step_and_top_k_holds() -> None:
    start = torch.zeros(3, 50, dtype=torch.int64)
    part = Resample(share=0.08, top_k=3)
    before, seen = start, list[Tensor]()

    def logits(step: Step) -> Tensor:
        assert ((step.x == HIDDEN).sum(1) == 4).all()
        seen.append(step.x == HIDDEN)
        return torch.arange(9.0).expand(3, 50, 9)

    for step in part.walk(logits, start, Masking().levels(40, part), Streams([1, 2, 3])):
        same = step.x == before
        assert same[~seen[-1]].all()
        assert step.x[seen[-1]].min() >= 6
        before = step.x
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0][0], seen[0][1])


def test_without_a_picture_the_first_step_draws_one() -> None:
    part = Resample()
    first, second = part.walk(
        lambda step: torch.zeros(1, 20, 5), torch.zeros(1, 20), Masking().levels(2, part), Streams([0])
    )
    assert (first.x != HIDDEN).all()
    assert (second.x != HIDDEN).all()
