"""CFG++ against its own loop, and against classifier-free guidance with the scale that stands for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from limn.guidance.cfg_plus_plus import CFGPlusPlus
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import registry
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler
from limn.kernel.step import Step
from limn.samplers.levels import Discrete
from toys import Gaussian, Line, colour, toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=9, x=torch.zeros(2, 4), level=Level(0.6, 0.8, 0.5), next=Level(0.8, 0.6, 0.4))
SCHEDULES = {"discrete": Discrete(), "flow": Line()}


def papers(levels: tuple[Level, ...], x: Tensor, scale: float, words: list[str]) -> Tensor:
    """Algorithm 2 of the paper: guided clean state, unguided noise."""
    predictor = Gaussian()
    said = Conditioning(torch.stack([colour(text) for text in words])[:, None], torch.ones(len(words), 1) > 0)
    unsaid = Conditioning(torch.zeros_like(said.tokens), said.mask)
    for here, there in pairwise(levels):
        main, null = (predictor(x, here, each, ()) for each in (said, unsaid))
        noise = (x - here.alpha * null) / here.sigma
        guided = null + scale * (main - null)
        x = there.alpha * guided + there.sigma * noise
    return x


@pytest.mark.parametrize("scale", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("sampler", ["ddim", "euler"])
def test_a_walk_is_the_papers_loop(sampler: str, schedule: str, scale: float) -> None:
    words, noise = ["a heart", "a cat"], Streams([0, 1]).normal((3, 16, 16)).double()
    stage = replace(toy().stages[0], schedule=SCHEDULES[schedule])
    part = registry.build("samplers", {"name": sampler})
    assert isinstance(part, Sampler)
    prompts = [Prompt(text) for text in words]
    walk = stage.walk(
        prompts, [CFGPlusPlus(scale=scale)], Streams([0, 1]), size=(16, 16), sampler=part, steps=12, noise=noise
    )
    *_, last = walk
    start = noise * stage.schedule.start_scale(12, part)
    torch.testing.assert_close(last.x, papers(stage.schedule.levels(12, part), start, scale, words))


@given(scale=st.floats(0, 1), ahead=st.floats(0, 0.99), ratio=st.floats(0.01, 100), main=st.floats(-3, 3))
def test_the_closed_form(scale: float, ahead: float, ratio: float, main: float) -> None:
    """w = scale * k / (k - s') with k = a' s / a, of the variance-preserving levels (a, s) and (a', s')."""

    def level(ratio: float) -> Level:
        alpha = (1 + ratio**2) ** -0.5
        return Level(alpha, ratio * alpha, 0.0)

    here, there = level(ratio), level(ratio * ahead)
    k = there.alpha * here.sigma / here.alpha
    step = replace(STEP, level=here, next=there, memory={})
    assert CFGPlusPlus(scale=scale).scale_at(step) == pytest.approx(scale * k / (k - there.sigma), rel=1e-6)
    values = {"main": torch.full((2, 4), main, dtype=torch.float64), "null": torch.ones(2, 4, dtype=torch.float64)}
    same = ClassifierFree(scale=100.0).combine({**values}, step)["main"]
    ours = CFGPlusPlus(scale=scale).combine({**values}, step)["main"]
    weight = CFGPlusPlus(scale=scale).scale_at(step)
    torch.testing.assert_close(ours - 1, (same - 1) * weight / 100)


def test_the_clean_state_holds_both_parts_of_the_step() -> None:
    """DDIM from it gives guided clean state and unguided noise: C = (a' guided - r null) / (a' - r)."""
    main, null = torch.randn(2, 2, 4, dtype=torch.float64)
    r = STEP.next.sigma * STEP.level.alpha / STEP.level.sigma
    guided = null + 0.6 * (main - null)
    wanted = (STEP.next.alpha * guided - r * null) / (STEP.next.alpha - r)
    found = CFGPlusPlus().combine({"main": main, "null": null}, replace(STEP, memory={}))["main"]
    torch.testing.assert_close(found, wanted)


def test_pure_noise_and_the_last_step_are_guided_by_the_plain_scale() -> None:
    for here, there in [(Level(0.0, 1.0, 1.0), STEP.level), (STEP.level, Level(1.0, 0.0, 0.0))]:
        assert CFGPlusPlus(scale=0.7).scale_at(replace(STEP, level=here, next=there)) == 0.7


def test_a_second_evaluation_keeps_the_scale_of_the_first() -> None:
    memory: dict[str, Any] = {}
    part, answers = CFGPlusPlus(), {"main": torch.ones(2, 4), "null": torch.zeros(2, 4)}
    first = part.combine(answers, replace(STEP, memory=memory))["main"]
    second = part.combine(answers, replace(STEP, memory=dict(memory), level=STEP.next, primary=False))["main"]
    assert torch.equal(first, second)


@pytest.mark.parametrize("sampler", ["heun", "dpm", "euler_ancestral", "ddim:eta=1"])
def test_other_samplers_stay_finite(sampler: str) -> None:
    pictures = toy().generate("a heart", n=2, guidance=["cfg_plus_plus"], sampler=sampler, steps=8)
    assert [picture.flaw for picture in pictures] == ["", ""]


def test_what_is_asked() -> None:
    assert CFGPlusPlus().expand({"main": MAIN}, STEP)["null"] == MAIN.without("text")
    assert CFGPlusPlus(against="grey").expand({"main": MAIN}, STEP)["null"] == MAIN.against("grey")


@pytest.mark.parametrize("scale", [-0.1, 7.5, float("nan")])
def test_options_out_of_range(scale: float) -> None:
    with pytest.raises(InputError, match=r"give a number from 0 to 1, where 0\.6 is about 7\.5"):
        CFGPlusPlus(scale=scale)
