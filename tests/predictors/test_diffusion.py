"""Every target answers with the same clean state, at every noise level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ideal import Mixture, nothing
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.predictors.diffusion import TARGETS, Diffusion, Target, answer_for, clean_from


@st.composite
def levels(draw: st.DrawFn, least_alpha: float = 0.0) -> Level:
    family, share = draw(st.sampled_from(["vp", "edm", "flow"])), draw(st.floats(0, 1))
    if family == "edm":
        return Level(1.0, 80 * share, 0.0)
    alpha = least_alpha + (1 - least_alpha) * share
    return Level(alpha, 1 - alpha if family == "flow" else math.sqrt(1 - alpha**2), 0.0)


def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(2, 3, 4, 4, generator=generator, dtype=torch.float64) * 2 - 1
    return clean, torch.randn(clean.shape, generator=generator, dtype=torch.float64)


class Perfect:
    """A network with one right answer, which notes what it was told."""

    def __init__(self, target: Target, level: Level) -> None:
        self.target, self.level = target, level
        self.told: list[tuple[Tensor, Tensor, Sequence[AttentionEdit | None]]] = []

    def __call__(
        self,
        x: Tensor,
        time: Tensor,
        conditioning: Conditioning,
        edits: Sequence[AttentionEdit | None],
        sigma: Tensor,
    ) -> Tensor:
        self.told.append((time, sigma, edits))
        clean, noise = pair()
        return answer_for(self.target, clean, noise, self.level.alpha, self.level.sigma)


@pytest.mark.parametrize("target", TARGETS)
@given(level=levels(least_alpha=0.01))
def test_a_perfect_answer_gives_back_the_clean_state(target: Target, level: Level) -> None:
    clean, noise = pair()
    x = level.alpha * clean + level.sigma * noise
    predictor = Diffusion(network=Perfect(target, level), target=target)
    assert torch.allclose(predictor(x, level, nothing(2), [None, None]), clean, atol=1e-10)


@pytest.mark.parametrize(("one", "other"), list(combinations(TARGETS, 2)))
@given(level=levels(least_alpha=0.01))
def test_targets_can_be_converted_into_one_another(one: Target, other: Target, level: Level) -> None:
    """Also for answers that are not perfect: x and any answer together say what all the others are."""
    x, answer = pair()
    clean = clean_from(one, answer, x, level.alpha, level.sigma)
    if level.sigma < 1e-3:
        return
    noise = (x - level.alpha * clean) / level.sigma
    there = answer_for(other, clean, noise, level.alpha, level.sigma)
    back = clean_from(other, there, x, level.alpha, level.sigma)
    assert torch.allclose(back, clean, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("target", ["x0", "v", "flow"])
@pytest.mark.parametrize("level", [Level(0.0, 1.0, 1.0), Level(1.0, 0.0, 0.0)], ids=["noise", "clean"])
def test_both_ends_are_exact(target: Target, level: Level) -> None:
    clean, noise = pair()
    x = level.alpha * clean + level.sigma * noise
    predictor = Diffusion(network=Perfect(target, level), target=target)
    assert torch.allclose(predictor(x, level, nothing(2), [None, None]), clean, atol=1e-12)


def test_noise_answers_stay_finite_at_pure_noise() -> None:
    x, answer = pair()
    assert clean_from("eps", answer, x, 0.0, 1.0).isfinite().all()
    assert clean_from("eps", answer, x, torch.zeros(2, 1, 1, 1), torch.ones(2, 1, 1, 1)).isfinite().all()


@pytest.mark.parametrize("target", TARGETS)
def test_levels_may_differ_from_row_to_row(target: Target) -> None:
    clean, noise = pair()
    alpha = torch.tensor([0.6, 0.9], dtype=torch.float64).view(2, 1, 1, 1)
    sigma = (1 - alpha**2).sqrt()
    x = alpha * clean + sigma * noise
    answer = answer_for(target, clean, noise, alpha, sigma)
    assert torch.allclose(clean_from(target, answer, x, alpha, sigma), clean, atol=1e-12)
    row = answer_for(target, clean[1:], noise[1:], 0.9, math.sqrt(1 - 0.81))
    assert torch.allclose(answer[1:], row, atol=1e-12)


def test_the_network_is_told_time_and_noise_over_signal() -> None:
    level = Level(0.6, 0.8, 417.0)
    network = Perfect("v", level)
    x = torch.zeros(2, 3, 4, 4)
    Diffusion(network=network, target="v")(x, level, nothing(2), [None, None])
    ((time, sigma, edits),) = network.told
    assert torch.equal(time, torch.full((2,), 417.0))
    assert torch.allclose(sigma, torch.full((2,), 0.8 / 0.6))
    assert edits == [None, None]


def test_noise_over_signal_is_finite_at_pure_noise() -> None:
    level = Level(0.0, 1.0, 1.0)
    network = Perfect("flow", level)
    Diffusion(network=network, target="flow")(torch.zeros(2, 3, 4, 4), level, nothing(2), [None, None])
    assert torch.equal(network.told[0][1], torch.full((2,), 1e4))


@given(level=levels(), spread=st.floats(0.1, 2))
def test_edm_preconditioning_keeps_inputs_and_targets_at_unit_variance(level: Level, spread: float) -> None:
    """Karras et al. 2022, appendix B.6, for data of deviation ``spread``."""
    told: list[Tensor] = []

    def network(x: Tensor, *rest: object) -> Tensor:
        told.append(x)
        return torch.ones_like(x)

    x = torch.full((1, 1), math.hypot(level.alpha * spread, level.sigma), dtype=torch.float64)
    if x.item() < 1e-6:
        return
    got = Diffusion(network=network, edm=spread)(x, level, nothing(1), [None])
    assert told[0].item() == pytest.approx(1)
    variance = (level.alpha * spread) ** 2 + level.sigma**2
    skip, out = level.alpha * spread**2 / variance, level.sigma * spread / math.sqrt(variance)
    assert got.item() == pytest.approx(skip * x.item() + out)
    # The target (clean - skip * x) / out has unit variance for clean ~ N(0, spread^2).
    if out > 1e-3:
        left = (1 - skip * level.alpha) ** 2 * spread**2 + (skip * level.sigma) ** 2
        assert left / out**2 == pytest.approx(1, rel=1e-6)


def test_edm_preconditioning_is_table_1_of_the_paper() -> None:
    mixture, sigma = Mixture(), 1.7
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[None]
    skip, out = 0.25 / (sigma**2 + 0.25), sigma * 0.5 / math.sqrt(sigma**2 + 0.25)

    def network(scaled: Tensor, time: Tensor, *rest: object) -> Tensor:
        assert torch.allclose(scaled, x / math.sqrt(sigma**2 + 0.25))
        return (mixture.clean(x, level) - skip * x) / out

    level = Level(1.0, sigma, 0.25 * math.log(sigma))
    got = Diffusion(network=network, edm=0.5)(x, level, nothing(1), [None])
    assert torch.allclose(got, mixture.clean(x, level), atol=1e-12)


def test_clipping_and_thresholding_are_off_unless_asked_for() -> None:
    answer = torch.tensor([[0.5, -3.0, 2.0, 0.1], [0.2, 0.1, 0.3, -0.4]])

    def network(x: Tensor, *rest: object) -> Tensor:
        return answer

    def clean(**options: float) -> Tensor:
        predictor = Diffusion(network=network, target="x0", **options)  # type: ignore[arg-type]
        return predictor(answer, Level(0.6, 0.8, 0.0), nothing(2), [None, None])

    assert torch.equal(clean(), answer)
    assert torch.equal(clean(clip=1.0), answer.clamp(-1, 1))
    assert torch.allclose(clean(threshold=1.0)[0], answer[0] / 3)
    assert torch.equal(clean(threshold=1.0)[1], answer[1]), "values within [-1, 1] stay"
    assert torch.allclose(clean(threshold=1.0, clip=2.0)[0], answer[0] * 2 / 3)


def test_an_unknown_target_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'eps'"):
        Diffusion(network=Perfect("eps", Level(1, 0, 0)), target="esp")  # type: ignore[arg-type]
