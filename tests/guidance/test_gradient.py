"""Guidance by a gradient: closed forms, finite differences, and what is asked for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from limn.guidance._gradient import Gradient
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step

LEVEL = Level(alpha=0.8, sigma=0.6, time=500.0)
FLOW = Level(alpha=0.3, sigma=0.7, time=0.7)
NEXT = Level(alpha=1.0, sigma=0.0, time=0.0)
TILT = torch.tensor([0.5, -1.0, 0.0, 2.0], dtype=torch.float64)


class Lengths:
    """One token, worth the prompt's length."""

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        said = [0 if "text" in ask.drop else len(ask.prompt.text) for ask in asks]
        values = torch.tensor(said, dtype=torch.float64)
        return Conditioning(values[:, None, None], torch.ones(len(asks), 1, dtype=torch.bool))

    def unread(self, text: str) -> str:
        return ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


class Model:
    space = "clean"

    def __init__(self, answer: Callable[[Tensor, Level], Tensor]) -> None:
        self.answer, self.offset = answer, 0.0

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        return self.answer(x, level) + 0.1 * conditioning.tokens[:, 0] + self.offset


def ideal(x: Tensor, level: Level) -> Tensor:
    """The denoiser of data with the standard normal distribution."""
    return level.alpha * x / (level.alpha**2 + level.sigma**2)


def bent(x: Tensor, level: Level) -> Tensor:
    return torch.tanh(x) + 0.3 * x * x.roll(1, -1)


@dataclass(frozen=True, kw_only=True)
class Linear(Gradient):
    """Climb the product with a fixed direction."""

    def score(self, state: Tensor, step: Step) -> Tensor:
        return state @ TILT


@dataclass(frozen=True, kw_only=True)
class Square(Gradient):
    """Approach a point."""

    towards: float = 1.0

    def score(self, state: Tensor, step: Step) -> Tensor:
        return -((state - self.towards) ** 2).sum(1)


def noise_for(seeds: Sequence[int]) -> Tensor:
    return Streams(seeds).normal((4,)).double()


def run(
    guidances: Sequence[Guidance],
    model: Callable[[Tensor, Level], Tensor] = bent,
    *,
    seeds: Sequence[int] = (0,),
    prompts: Sequence[str] | None = None,
    level: Level = LEVEL,
    x: Tensor | None = None,
    **options: object,
) -> tuple[Tensor, Ledger]:
    ledger = Ledger()
    asked = [Prompt(text) for text in prompts or [""] * len(seeds)]
    runner = Runner(Model(model), Lengths(), asked, guidances, Streams(seeds), ledger=ledger, **options)
    x = noise_for(seeds) if x is None else x
    return runner(Step(index=0, total=2, x=x, level=level, next=NEXT)), ledger


@pytest.mark.parametrize("level", [LEVEL, FLOW, Level(1.0, 5.0, 0.0), Level(0.999, 0.01, 0.0)])
@pytest.mark.parametrize("through", ["model", "clean"])
def test_a_linear_score_moves_the_mean_of_normal_data_exactly(through: str, level: Level) -> None:
    """exp(scale * b x) times the standard normal distribution is that around scale * b, whose denoiser is known."""
    found, _ = run([Linear(scale=3.0, through=through)], ideal, level=level)
    x, power = noise_for([0]), level.alpha**2 + level.sigma**2
    assert torch.allclose(found, (level.alpha * x + level.sigma**2 * 3.0 * TILT) / power)


def test_through_the_model_equals_finite_differences() -> None:
    found, _ = run([Square(scale=0.7, through="model")])
    base, x, step = run([])[0], noise_for([0]), 1e-6
    slopes = []
    for place in range(4):
        ends = [Square().score(run([], x=x + sign * step * torch.eye(4)[place])[0], None) for sign in (1, -1)]  # type: ignore[arg-type]
        slopes.append((ends[0] - ends[1]) / (2 * step))
    expected = base + LEVEL.sigma**2 / LEVEL.alpha * 0.7 * torch.stack(slopes, 1)
    assert torch.allclose(found, expected, atol=1e-6)


def test_the_clean_slope_tends_to_one_over_alpha_as_the_noise_falls() -> None:
    level = Level(0.9999, math.sqrt(1 - 0.9999**2), 0.0)
    found = run([Linear(scale=1.0)], level=level)[0] - run([], level=level)[0]
    assert torch.allclose(found, (level.sigma / level.alpha) ** 2 * TILT[None], rtol=1e-3)


@pytest.mark.parametrize("beta", [0.1, 0.01, 0.0001])
def test_the_mean_of_a_ddpm_step_moves_by_its_variance_times_the_gradient(beta: float) -> None:
    part, x = Linear(scale=2.0, through="model"), noise_for([0])
    base, found = run([], ideal)[0], run([part], ideal)[0]
    gradient = TILT * LEVEL.alpha / (LEVEL.alpha**2 + LEVEL.sigma**2)

    def mean(clean: Tensor) -> Tensor:
        noise = (x - LEVEL.alpha * clean) / LEVEL.sigma
        return (x - beta / LEVEL.sigma * noise) / math.sqrt(1 - beta)

    shift = mean(found) - mean(base)
    assert torch.allclose(shift, beta * 2.0 * gradient / math.sqrt(1 - beta))
    assert torch.allclose(shift, beta * 2.0 * gradient, rtol=beta)


class Other:
    @contextmanager
    def on(self, predictor: Model):  # type: ignore[no-untyped-def]
        kept, predictor.answer = predictor.answer, lambda x, level: x**3
        yield predictor
        predictor.answer = kept


def test_through_a_smaller_model() -> None:
    part = Square(scale=0.5, through="secondary", secondary="small")
    found, ledger = run([part], adapters={"small": Other()})
    x = noise_for([0])
    gradient = -2 * (x**3 - 1) * 3 * x**2
    assert torch.allclose(found, run([])[0] + LEVEL.sigma**2 / LEVEL.alpha * 0.5 * gradient)
    assert [(each.adapter, each.gradient) for each in ledger.forwards] == [(None, False), ("small", True)]


@pytest.mark.parametrize("through", ["model", "clean"])
def test_scale_zero_is_the_baseline_and_asks_nothing(through: str) -> None:
    found, ledger = run([Square(scale=0.0, through=through)])
    assert torch.equal(found, run([])[0])
    assert [each.gradient for each in ledger.forwards] == [False]


def test_only_the_rows_that_need_it_carry_a_gradient() -> None:
    _, ledger = run([Square(through="clean"), ClassifierFree(scale=2.0)])
    assert [(each.names, each.gradient) for each in ledger.forwards] == [(("main", "null"), False)]
    _, ledger = run([Square(through="model"), ClassifierFree(scale=2.0)])
    assert {each.names: each.gradient for each in ledger.forwards} == {("main",): True, ("null",): False}


def test_with_classifier_free_guidance_the_score_is_taken_at_the_guided_answer() -> None:
    free, prompts = ClassifierFree(scale=3.0), ["red"]
    guided = run([free], prompts=prompts)[0]
    found = run([free, Square(scale=0.5, through="model")], prompts=prompts)[0]
    x = noise_for([0])[0]
    jacobian = torch.autograd.functional.jacobian(lambda each: bent(each, LEVEL), x)
    expected = guided + LEVEL.sigma**2 / LEVEL.alpha * 0.5 * (-2 * (guided[0] - 1.0)) @ jacobian
    assert torch.allclose(found, expected)


def test_pure_noise_is_left_alone_unless_the_gradient_stops_at_the_clean_state() -> None:
    level = Level(0.0, 1.0, 1.0)
    found, ledger = run([Linear(through="model")], level=level)
    assert torch.equal(found, run([], level=level)[0])
    assert [each.gradient for each in ledger.forwards] == [False]
    assert torch.allclose(run([Linear()], level=level)[0], run([], level=level)[0] + TILT)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("through", ["model", "clean"])
def test_a_picture_does_not_depend_on_its_neighbours(through: str, normalise: bool) -> None:
    part = Square(scale=0.3, through=through, normalise=normalise)
    together, _ = run([part], seeds=(0, 1, 2), prompts=("a", "red", "heart"))
    assert torch.allclose(together[1:2], run([part], seeds=(1,), prompts=("red",))[0])


def test_normalised_steps_have_the_size_of_the_scale() -> None:
    part = Square(scale=0.3, normalise=True)
    shift = run([part], seeds=(0, 1), level=FLOW)[0] - run([], seeds=(0, 1), level=FLOW)[0]
    assert torch.allclose(shift.square().mean(1).sqrt(), torch.full((2,), 0.3 * 0.49 / 0.58, dtype=torch.float64))


@dataclass(frozen=True, kw_only=True)
class Level0(Gradient):
    def score(self, state: Tensor, step: Step) -> Tensor:
        return 0 * state.sum(1)


def test_a_flat_score_changes_nothing() -> None:
    for part in (Level0(), Level0(normalise=True)):
        assert torch.equal(run([part])[0], run([])[0])


@dataclass(frozen=True, kw_only=True)
class Keeper(Guidance):
    """Keeps what it is told, as a momentum does."""

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        step.memory["kept"] = predictions["main"]
        return predictions


def test_no_graph_outlives_its_step_and_several_gradients_share_it() -> None:
    step = Step(index=0, total=2, x=noise_for([0]), level=LEVEL, next=NEXT)
    parts = [Keeper(), Square(scale=0.1, through="model"), Linear(scale=0.1, through="model")]
    ledger = Ledger()
    runner = Runner(Model(bent), Lengths(), [Prompt("a")], parts, Streams([0]), ledger=ledger)
    for index in range(2):
        assert not runner(replace(step, index=index)).requires_grad
    kept = [memory["kept"] for memory in runner._memories if "kept" in memory]
    assert [each.requires_grad for each in kept] == [False]
    assert [each.rows for each in ledger.forwards] == [1, 1]


def test_options_out_of_range() -> None:
    for scale in (-1.0, math.inf, math.nan):
        with pytest.raises(InputError, match="scale"):
            Square(scale=scale)
    for options in ({"through": "secondary"}, {"secondary": "small"}):
        with pytest.raises(InputError, match="secondary: name the adapter"):
            Square(**options)  # type: ignore[arg-type]
