"""Walking back from picture to noise, where the exact answers are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ideal import Mixture, path, walk
from limn.kernel.level import Level
from limn.kernel.step import Step
from limn.samplers.ddim import DDIM
from limn.samplers.euler import Euler
from limn.samplers.heun import Heun
from limn.samplers.inversion import inverted
from limn.samplers.levels import Discrete, Edm, Flow

GAUSSIAN = Mixture(means=(0.4,), spread=0.3)
CLEAN = torch.linspace(-0.5, 1.3, 19, dtype=torch.float64)[None]


def back(levels: tuple[Level, ...], clean: Tensor, mixture: Mixture = GAUSSIAN, refine: int = 0) -> Tensor:
    *_, last = inverted(mixture.predict, clean, levels, refine=refine)
    return last.x


def exact(level: Level, clean: Tensor, end: Level) -> Tensor:
    """Where the flow of a Gaussian has a number that it leads to ``clean`` at ``end``: its quantile stays."""
    mean, spread = GAUSSIAN.means[0], GAUSSIAN.spread
    place = (clean - end.alpha * mean) / math.hypot(end.alpha * spread, end.sigma)
    return level.alpha * mean + math.hypot(level.alpha * spread, level.sigma) * place


@pytest.mark.parametrize("family", ["vp", "edm", "flow"])
@pytest.mark.parametrize("refine", [0, 40])
def test_the_noise_is_that_of_the_closed_form(family: str, refine: int) -> None:
    errors = []
    for steps in (100, 200):
        levels = path(family, steps)
        found = back(levels, CLEAN, refine=refine)
        errors.append(float((found - exact(levels[0], CLEAN, levels[-1])).abs().max()))
    scale = float(exact(levels[0], CLEAN, levels[-1]).abs().max())
    assert errors[1] < 0.1 * scale
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.3), "of first order"


@pytest.mark.parametrize("family", ["vp", "edm", "flow"])
@pytest.mark.parametrize("part", [DDIM(), Euler()])
def test_corrected_often_it_is_undone_exactly(family: str, part: DDIM | Euler) -> None:
    levels, two = path(family, 12), Mixture()
    there = back(levels, CLEAN, two, refine=400)
    assert torch.allclose(walk(part, levels, there, two), CLEAN, atol=1e-9)
    plain = walk(part, levels, back(levels, CLEAN, two), two)
    once = walk(part, levels, back(levels, CLEAN, two, refine=1), two)
    assert (once - CLEAN).abs().mean() < (plain - CLEAN).abs().mean()


@pytest.mark.parametrize(
    "schedule", [Flow(), Flow(shift=3.0), Discrete(), Discrete(zero_snr=True, spacing="trailing")]
)
def test_levels_of_models_from_a_clean_picture_to_pure_noise(schedule: Flow | Discrete) -> None:
    levels = schedule.levels(50, DDIM())
    there = back(levels, CLEAN, refine=100)
    assert torch.isfinite(there).all()
    assert torch.allclose(walk(DDIM(), levels, there, GAUSSIAN), CLEAN, atol=1e-6)
    wanted = exact(levels[0], CLEAN, levels[-1])
    assert (there - wanted).abs().max() < 0.15 * wanted.abs().max()


def test_another_sampler_leads_back_as_far_as_both_follow_the_same_flow() -> None:
    errors = [
        float((walk(Heun(), path("flow", n), back(path("flow", n), CLEAN, refine=40), GAUSSIAN) - CLEAN).abs().max())
        for n in (20, 80)
    ]
    assert errors[1] < errors[0] / 3


def test_steps_are_told_as_they_are_taken() -> None:
    levels, asked = Edm().levels(4, Euler()), list[Step]()

    def predict(step: Step) -> Tensor:
        asked.append(step)
        return GAUSSIAN.predict(step)

    steps = list(inverted(predict, CLEAN, levels, refine=2))
    assert [step.next for step in steps] == [*reversed(levels[:-1])]
    assert [step.level for step in steps] == [*reversed(levels[1:])]
    assert [step.index for step in steps] == [0, 1, 2, 3]
    assert len(asked) == 12
    assert all(step.level in levels[:-1] for step in asked), "the network is asked about its own levels only"
