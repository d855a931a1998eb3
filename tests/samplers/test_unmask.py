from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from diffusers import AmusedScheduler
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from limn.kernel.codec import HIDDEN
from limn.kernel.rng import Streams
from limn.kernel.step import Step
from limn.samplers.decoding import Masking
from limn.samplers.unmask import Unmask

CLASSES = 9


def logits(step: Step) -> Tensor:
    """Logits that depend on every token of the picture and on the place."""
    seen = (step.x + 2).double() @ torch.arange(1, step.x.shape[1] + 1).double()
    place = torch.arange(step.x.shape[1])[:, None] * 7 + torch.arange(CLASSES) * 3
    return (torch.sin(seen[:, None, None] + place) * 3).float()


def walk(part: Unmask, start: Tensor, steps: int, seeds: list[int]) -> list[Step]:
    return list(part.walk(logits, start, Masking().levels(steps, part), Streams(seeds)))


def noise(tokens: int, pictures: int = 1) -> Tensor:
    return torch.zeros(pictures, tokens)


@pytest.mark.parametrize(("tokens", "steps"), [(16, 4), (64, 8), (64, 1), (64, 64), (256, 11)])
@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_equals_the_scheduler_of_diffusers(tokens: int, steps: int, temperature: float) -> None:
    """Bit for bit, from the same random numbers.

    Two thirds of the walk is left out: there the cosine is a half, and float32 arithmetic falls just below it.
    """
    scheduler = AmusedScheduler(mask_token_id=CLASSES)
    scheduler.set_timesteps(steps, temperature=(temperature, 0))
    generator = torch.Generator().manual_seed(5)
    sample = torch.full((1, tokens), CLASSES)
    ours = walk(Unmask(order_noise=temperature), noise(tokens), steps, [5])
    for time, step in zip(scheduler.timesteps, ours, strict=True):
        before = torch.where(sample == CLASSES, HIDDEN, sample)
        answer = logits(Step(index=0, total=1, x=before, level=step.level, next=step.next))
        sample, clean = scheduler.step(answer, time, sample, generator=generator, return_dict=False)
        assert torch.equal(torch.where(sample == CLASSES, HIDDEN, sample), step.x)
        assert torch.equal(clean, step.clean)


def test_equals_diffusers_when_part_of_the_picture_is_known() -> None:
    scheduler = AmusedScheduler(mask_token_id=CLASSES)
    scheduler.set_timesteps(5, temperature=(2, 0))
    generator = torch.Generator().manual_seed(3)
    start = torch.randint(CLASSES, (1, 64), generator=torch.Generator().manual_seed(1))
    start[:, 20:52] = HIDDEN
    sample = torch.where(start == HIDDEN, CLASSES, start)
    for time, step in zip(scheduler.timesteps, walk(Unmask(), start, 5, [3]), strict=True):
        before = torch.where(sample == CLASSES, HIDDEN, sample)
        answer = logits(Step(index=0, total=1, x=before, level=step.level, next=step.next))
        (sample,) = scheduler.step(
            answer, time, sample, starting_mask_ratio=0.5, generator=generator, return_dict=False
        )[:1]
        assert torch.equal(torch.where(sample == CLASSES, HIDDEN, sample), step.x)


def test_counts_are_those_of_the_paper() -> None:
    """256 tokens in 24 steps, as worked out by hand from floor(N cos(pi/2 (k+1)/S))."""
    left = [int((step.x == HIDDEN).sum()) for step in walk(Unmask(), noise(256), 24, [0])]
    decided = [a - b for a, b in pairwise([256, *left])]
    assert decided == [1, 2, 2, 4, 5, 6, 7, 8, 9, 9, 11, 11, 13, 13, 13, 14, 15, 16, 15, 16, 17, 16, 17, 16]


@given(tokens=st.integers(1, 40), steps=st.integers(1, 60), seed=st.integers(0, 99), known=st.floats(0, 1))
def test_each_token_is_decided_once_and_all_are_in_the_end(tokens: int, steps: int, seed: int, known: float) -> None:
    random = torch.Generator().manual_seed(seed)
    start = torch.randint(CLASSES, (2, tokens), generator=random)
    start[torch.rand(2, tokens, generator=random) >= known] = HIDDEN
    kept = start.clone()
    before = start
    for step in walk(Unmask(order_noise=50.0), start, steps, [seed, seed + 1]):
        assert torch.equal(step.x[before != HIDDEN], before[before != HIDDEN])
        asked = (before == HIDDEN).any(1)
        assert ((step.x == HIDDEN).sum(1) < (before == HIDDEN).sum(1)).equal(asked)
        before = step.x
    assert (before != HIDDEN).all()
    assert torch.equal(start, kept), "what was given is not written to"


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_as_many_steps_as_tokens_is_one_token_a_step(shape: str) -> None:
    part = Unmask()
    levels = Masking(shape=shape).levels(30, part)  # type: ignore[arg-type]
    left = [int((step.x == HIDDEN).sum()) for step in part.walk(logits, noise(30), levels, Streams([0]))]
    assert left == list(range(29, -1, -1))


def test_one_token_a_step_samples_the_joint_distribution() -> None:
    """In whatever order, drawing each token given the rest must give the distribution the logits describe."""
    joint = torch.tensor([[0.4, 0.1], [0.15, 0.35]])

    def conditional(step: Step) -> Tensor:
        rows = []
        for first, second in step.x.tolist():
            one = joint.sum(1) if second == HIDDEN else joint[:, second]
            two = joint.sum(0) if first == HIDDEN else joint[first]
            rows.append(torch.stack([one, two]).log())
        return torch.stack(rows)

    part = Unmask(keep="random")
    *_, last = part.walk(conditional, noise(2, 4000), Masking().levels(2, part), Streams(range(4000)))
    found = torch.bincount(last.x[:, 0] * 2 + last.x[:, 1], minlength=4) / 4000
    torch.testing.assert_close(found, joint.flatten(), atol=0.03, rtol=0)


def test_one_step_is_an_independent_draw_and_the_likeliest_without_temperature() -> None:
    (only,) = walk(Unmask(temperature=0.0), noise(16), 1, [0])
    start = torch.full((1, 16), HIDDEN)
    expected = logits(Step(index=0, total=1, x=start, level=only.level, next=only.next)).argmax(-1)
    assert torch.equal(only.x, expected)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_known_tokens_stay_in_half_precision(kind: torch.dtype) -> None:
    """In half precision the finite maximum is exp(11), which noise can exceed; known tokens are infinitely sure."""
    start = torch.randint(CLASSES, (4, 64), generator=torch.Generator().manual_seed(1))
    start[:, ::2] = HIDDEN
    part = Unmask(order_noise=100.0)
    for step in part.walk(
        lambda step: logits(step).to(kind), start, Masking().levels(5, part), Streams([1, 2, 3, 4])
    ):
        assert torch.equal(step.x[:, 1::2], start[:, 1::2])


def test_confident_tokens_come_first_and_random_ones_in_any_order() -> None:
    sure = torch.zeros(1, 10, CLASSES)
    sure[0, :, 0] = torch.arange(10)
    part = Unmask(temperature=0.0, order_noise=0.0)
    first, *_ = part.walk(lambda step: sure, noise(10), Masking().levels(2, part), Streams([0]))
    assert (first.x[0] == HIDDEN).tolist() == [True] * 7 + [False] * 3
    part = Unmask(temperature=0.0, keep="random")
    first, *_ = part.walk(
        lambda step: sure.expand(400, -1, -1), noise(10, 400), Masking().levels(2, part), Streams(range(400))
    )
    hidden = (first.x == HIDDEN).float().mean(0)
    torch.testing.assert_close(hidden, torch.full((10,), 0.7), atol=0.09, rtol=0)
