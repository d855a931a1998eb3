"""The runner: every seam a guidance needs, shown with small guidances on a linear model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.attention import AttentionEdit, AttentionSite, attend
from limn.kernel.branch import Branches
from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step

LEVEL = Level(alpha=0.8, sigma=0.6, time=500.0)
NEXT = Level(alpha=1.0, sigma=0.0, time=0.0)


class WordLengths:
    """One token per word, worth the word's length."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        rows = []
        for ask in asks:
            self.encoded.append(ask.prompt.text)
            words = [] if "text" in ask.drop else ask.prompt.text.split()
            values = torch.tensor([float(len(word)) for word in words] or [0.0])
            extra = torch.stack([ask.given["low"].sum()]) if "low" in ask.given else torch.zeros(1)
            rows.append(
                Conditioning(values[None, :, None], torch.ones(1, len(values), dtype=torch.bool), {"low": extra})
            )
        return Conditioning.stack(rows)

    def unread(self, text: str) -> str:
        return ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, 0)] * len(text.split())


class Linear:
    """Answers ``x / 2`` plus what attention reads from the words."""

    space = "clean"
    offset = 0.0

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        self.batches.append(len(x))
        rows, tokens, _ = conditioning.tokens.shape
        query = torch.ones(rows, 1, x.shape[-1], 1)
        value = conditioning.tokens[:, None]
        mask = torch.zeros(rows, 1, 1, tokens).masked_fill(~conditioning.mask[:, None, None], -torch.inf)
        site = AttentionSite(layer=0, layers=1, kind="cross", text=slice(0, tokens), image=slice(0, 1))
        read = attend(query, torch.zeros_like(value), value, mask=mask, edits=edits, site=site)[:, 0, :, 0]
        return x / 2 + read + conditioning.extras["low"][:, None] + self.offset


def run(
    guidances: Sequence[Guidance], prompts: Sequence[str] = ("red heart",), **options: object
) -> tuple[Tensor, Linear, Ledger]:
    predictor, ledger = Linear(), Ledger()
    streams = Streams(range(len(prompts)))
    runner = Runner(
        predictor, WordLengths(), [Prompt(text) for text in prompts], guidances, streams, ledger=ledger, **options
    )
    x = streams.normal((4,))
    answer = runner(Step(index=0, total=2, x=x, level=LEVEL, next=NEXT))
    return answer, predictor, ledger


def noise_for(seeds: Sequence[int]) -> Tensor:
    return Streams(seeds).normal((4,))


def test_without_guidance_one_row_a_picture() -> None:
    answer, predictor, _ = run([], ["red heart", "a"])
    assert predictor.batches == [2]
    assert torch.allclose(answer, noise_for([0, 1]) / 2 + torch.tensor([[4.0], [1.0]]))


@pytest.mark.parametrize(("against", "null"), [("", 0.0), ("ugly thing", 4.5)])
def test_classifier_free_is_its_formula(against: str, null: float) -> None:
    answer, predictor, ledger = run([ClassifierFree(scale=3.0, against=against)])
    x = noise_for([0])
    assert torch.allclose(answer, (x / 2 + null) + 3.0 * (4.0 - null))
    assert predictor.batches == [2]
    assert ledger.rows == 2


def test_scale_one_asks_nothing_more() -> None:
    answer, predictor, _ = run([ClassifierFree(scale=1.0)])
    assert predictor.batches == [1]
    assert torch.equal(answer, run([])[0])


@dataclass(frozen=True, kw_only=True)
class Composed(Guidance):
    """Several prompts, each with a weight that changes over the steps."""

    rank: ClassVar[Rank] = Rank.REFINE
    prompts: tuple[str, ...] = ("one", "three")
    weights: tuple[tuple[float, ...], ...] = ((1.0, 0.0), (2.0, 5.0))

    def expand(self, branches: Branches, step: Step) -> Branches:
        more = {f"also {text}": branches["main"].saying(text) for text in self.prompts}
        return {**branches, "null": branches["main"].without("text"), **more}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        null = predictions["null"]
        terms = [
            weight[step.index] * (predictions[f"also {text}"] - null)
            for text, weight in zip(self.prompts, self.weights, strict=True)
        ]
        return {**predictions, "main": predictions["main"] + sum(terms)}


def test_several_prompts_and_guidances_share_one_forward() -> None:
    answer, predictor, _ = run([Composed(), ClassifierFree(scale=2.0)])
    assert predictor.batches == [4], "main, null, one, three: the null branch is shared"
    x = noise_for([0]) / 2
    composed = x + 4.0 + 1.0 * 3.0 + 2.0 * 5.0
    assert torch.allclose(answer, x + 2.0 * (composed - x))


@dataclass(frozen=True, kw_only=True)
class OnlyWord(AttentionEdit):
    """Look at one word only."""

    place: int = 0

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        bias = torch.full((key.shape[-2],), -torch.inf)
        bias[self.place] = 0.0
        return bias


@dataclass(frozen=True, kw_only=True)
class Focus(Guidance):
    rank: ClassVar[Rank] = Rank.REFINE
    place: int = 0

    def expand(self, branches: Branches, step: Step) -> Branches:
        return {**branches, "main": branches["main"].edited(OnlyWord(place=self.place))}


@pytest.mark.parametrize(("place", "length"), [(0, 3.0), (1, 5.0)])
def test_attention_edits_touch_their_row_only(place: int, length: float) -> None:
    answer, predictor, _ = run([Focus(place=place), ClassifierFree(scale=2.0)], ["red heart", "red heart"])
    assert predictor.batches == [4], "edited and plain rows stand in one batch"
    x = noise_for([0, 1]) / 2
    assert torch.allclose(answer, x + 2.0 * length)


@dataclass(frozen=True, kw_only=True)
class Towards(Guidance):
    """Step along the gradient of -(clean - target)^2 with respect to the noisy state."""

    rank: ClassVar[Rank] = Rank.NUDGE
    target: float = 1.0

    def expand(self, branches: Branches, step: Step) -> Branches:
        return {**branches, "main": replace(branches["main"], gradient=True)}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        clean = predictions["main"]
        loss = ((clean - self.target) ** 2).sum()
        (gradient,) = torch.autograd.grad(loss, step.x)
        return {**predictions, "main": clean - gradient}


def test_gradient_reaches_through_the_model() -> None:
    answer, _, ledger = run([Towards()])
    clean = noise_for([0]) / 2 + 4.0
    assert torch.allclose(answer, clean - 2 * (clean - 1.0) * 0.5)
    assert not answer.requires_grad
    assert [forward.gradient for forward in ledger.forwards] == [True]


@dataclass(frozen=True, kw_only=True)
class Momentum(Guidance):
    """Add half of all that was seen before."""

    space: ClassVar[str] = "noise"

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        past = step.memory.get("past", torch.zeros_like(step.x))
        step.memory["past"] = past + predictions["main"]
        return {**predictions, "main": predictions["main"] + 0.5 * past}


def test_memory_moves_on_primary_steps_only() -> None:
    runner = Runner(Linear(), WordLengths(), [Prompt("red heart")], [Momentum()], Streams([0]))
    step = Step(index=0, total=3, x=noise_for([0]), level=LEVEL, next=NEXT)
    noise = step.to_noise(step.x / 2 + 4.0)
    first, second = runner(step), runner(replace(step, index=1, primary=False))
    third, fourth = runner(replace(step, index=1)), runner(replace(step, index=2))
    assert torch.allclose(first, step.to_clean(noise), atol=1e-5)
    assert torch.equal(second, third), "a secondary evaluation reads the memory and leaves it"
    assert torch.allclose(third, step.to_clean(1.5 * noise), atol=1e-5)
    assert torch.allclose(fourth, step.to_clean(2.0 * noise), atol=1e-5)


@dataclass(frozen=True, kw_only=True)
class Constrain(Guidance):
    rank: ClassVar[Rank] = Rank.CONSTRAIN

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        return {**predictions, "main": torch.full_like(predictions["main"], 9.0)}


def test_rank_decides_and_not_the_order_written() -> None:
    parts = [Constrain(), ClassifierFree(scale=2.0), Focus(place=1)]
    forward, backward = run(parts)[0], run(parts[::-1])[0]
    assert torch.equal(forward, backward)
    assert (forward == 9.0).all()


@dataclass(frozen=True, kw_only=True)
class Tuned(Guidance):
    rank: ClassVar[Rank] = Rank.REFINE

    def expand(self, branches: Branches, step: Step) -> Branches:
        return {**branches, "tuned": replace(branches["main"], adapter="tuned")}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        return {**predictions, "main": predictions["tuned"]}


class Offset:
    @contextmanager
    def on(self, predictor: Linear):  # type: ignore[no-untyped-def]
        predictor.offset = 100.0
        yield predictor
        predictor.offset = 0.0


def test_other_weights_answer_in_a_forward_of_their_own() -> None:
    answer, predictor, ledger = run([Tuned()], adapters={"tuned": Offset()})
    assert torch.allclose(answer, noise_for([0]) / 2 + 104.0)
    assert predictor.batches == [1, 1]
    assert predictor.offset == 0.0
    assert [forward.adapter for forward in ledger.forwards] == [None, "tuned"]
    with pytest.raises(InputError, match="tuned"):
        run([Tuned()])


class Scores(Linear):
    space = "logits"

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        return conditioning.tokens.sum(1, keepdim=True) * torch.arange(5.0)


def test_the_same_guidance_steers_logits() -> None:
    tokens = torch.full((1, 1), -1)
    step = Step(index=0, total=1, x=tokens, level=LEVEL, next=NEXT)
    runner = Runner(Scores(), WordLengths(), [Prompt("red")], [ClassifierFree(scale=3.0)], Streams([0]))
    assert torch.equal(runner(step), 9.0 * torch.arange(5.0).expand(1, 1, 5))
    with pytest.raises(InputError, match="noise space"):
        Runner(Scores(), WordLengths(), [Prompt("red")], [Momentum()], Streams([0]))


def test_what_earlier_stages_gave_reaches_its_own_picture() -> None:
    given = {"low": torch.tensor([[1.0, 1.0], [5.0, 5.0]])}
    answer, _, _ = run([ClassifierFree(scale=2.0)], ["red heart", "red heart"], given=given)
    x = noise_for([0, 1]) / 2
    assert torch.allclose(answer, x + torch.tensor([[2.0], [10.0]]) + 8.0)


def test_each_text_is_encoded_once_for_a_whole_walk() -> None:
    encoder = WordLengths()
    runner = Runner(Linear(), encoder, [Prompt("red heart")] * 3, [ClassifierFree()], Streams([0, 1, 2]))
    step = Step(index=0, total=2, x=noise_for([0, 1, 2]), level=LEVEL, next=NEXT)
    runner(step)
    runner(replace(step, index=1))
    assert len(encoder.encoded) == 2


@dataclass(frozen=True, kw_only=True)
class Uneven(Guidance):
    def expand(self, branches: Branches, step: Step) -> Branches:
        long = len(branches["main"].prompt.text) > 3
        return {**branches, "more": branches["main"].saying("x")} if long else branches

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        more = predictions.get("more", predictions["main"])
        return {**predictions, "main": predictions["main"] + 10 * (predictions["main"] - more)}


def test_a_branch_that_a_picture_does_not_ask_for_is_answered_as_its_main() -> None:
    answer, predictor, _ = run([Uneven()], ["red", "red heart"])
    assert predictor.batches == [3]
    assert torch.allclose(answer, noise_for([0, 1]) / 2 + torch.tensor([[3.0], [4.0 + 10 * 3.0]]))


def test_guidances_that_take_each_others_place_are_refused() -> None:
    with pytest.raises(InputError, match=r"classifier_free: is given twice; use one"):
        run([ClassifierFree(), ClassifierFree(scale=2.0)])
    with pytest.raises(InputError, match="slotted: takes the place of momentum"):
        run([Momentum(), Slotted()])


@dataclass(frozen=True, kw_only=True)
class Slotted(Momentum):
    slot: ClassVar[str] = "momentum"


def test_several_forwards_answer_as_one() -> None:
    guidances = [Focus(), Composed(), ClassifierFree(scale=4.0)]
    prompts = ["red heart", "a blue square", "x"]
    whole, split = run(guidances, prompts), run(guidances, prompts, max_rows=5)
    assert split[1].batches == [5, 5, 2]
    assert torch.equal(whole[0], split[0])


def test_encodings_are_kept_over_walks() -> None:
    encoder = WordLengths()
    kept = Encodings(encoder, limit=2)
    for prompts in (["red heart"], ["red heart"], ["x", "red heart"]):
        streams = Streams(range(len(prompts)))
        runner = Runner(Linear(), encoder, [Prompt(each) for each in prompts], [], streams, encodings=kept)
        runner(Step(index=0, total=2, x=streams.normal((4,)), level=LEVEL, next=NEXT))
    assert encoder.encoded == ["red heart", "x"]
    kept.encode([Ask(Prompt("y"))])
    kept.encode([Ask(Prompt("x"))])
    assert encoder.encoded[2:] == ["y", "x"], "the one not used for longest went"
    assert kept.spans("a b") == kept.spans("a b") == encoder.spans("a b")
    assert kept.unread("a b") == ""


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    prompts = ["red heart", "a blue square", "x"]
    guidances = [Focus(), Composed(), ClassifierFree(scale=4.0)]
    together = run(guidances, prompts)[0]
    alone = Runner(Linear(), WordLengths(), [Prompt(prompts[2])], guidances, Streams([2]))
    step = Step(index=0, total=2, x=noise_for([2]), level=LEVEL, next=NEXT)
    assert torch.allclose(together[2:], alone(step), atol=1e-6)
