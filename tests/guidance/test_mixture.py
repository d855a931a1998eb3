"""Two models in one walk: the paper's formula, and a second model from its folder to the record."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from limn import models
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.mixture import Mixture
from limn.kernel import registry
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from toys import Gaussian, Line, colour, toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=10, x=torch.zeros(2, 4), level=Level(0.6, 0.8, 0.5), next=Level(0.8, 0.6, 0.4))
LINE = Line()


def second(spread: float = 0.6) -> Generator:
    """Another toy on the same noise levels, sure of nothing."""
    return toy(spread=spread)


def first() -> Generator:
    generator = toy()
    generator.others.load = lambda name: {"same": toy, "vague": second}[name]()
    return generator


def walk(generator: Generator, *guidance: Guidance, ledger: Ledger | None = None, **options: Any) -> Tensor:
    request = generator.request("a heart", guidance=guidance, **{"steps": 10, "n": 2, **options})
    events = generator.draw(request, ledger=ledger)
    return [event.state.x for event in events if isinstance(event, Progress)][-1]


@given(v=st.floats(0, 1), scale=st.floats(0, 20), until=st.integers(0, 10).map(lambda tenth: tenth / 10))
def test_with_classifier_free_it_is_the_papers_formula(v: float, scale: float, until: float) -> None:
    part, free = Mixture(model=("tuned",), prompt=("sks",), v=v, until=until), ClassifierFree(scale=scale)
    answers = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = dict(zip(("main", "null", "model 1"), answers, strict=True))
    main, null, other = answers
    for index in range(10):
        step = replace(STEP, index=index)
        asked = part.expand({"main": MAIN}, step)
        folded = part.combine({"null": null, **{name: values[name] for name in asked}}, step)
        found = free.combine({**folded, "base": folded["main"]}, step)["main"]
        both = index / 10 < until
        wanted = null + scale * ((v * main + (1 - v) * other if both else main) - null)
        if scale != 1:
            torch.testing.assert_close(found, wanted)
        assert ("model 1" in asked) == (both and v < 1)


def test_what_is_asked() -> None:
    part = Mixture(model=("tuned", "old"), prompt=("a sks dog", "a dog"))
    assert part.expand({"main": MAIN}, STEP) == {
        "main": MAIN,
        "model 1": replace(MAIN.saying("a sks dog"), adapter="tuned"),
        "model 2": replace(MAIN.saying("a dog"), adapter="old"),
    }
    same = Mixture(model=("tuned",)).expand({"main": MAIN}, STEP)
    assert same["model 1"] == replace(MAIN, adapter="tuned")


@pytest.mark.parametrize("part", [Mixture(), Mixture(model=("t",), v=1.0), Mixture(model=("t",), until=0.0)])
def test_without_a_say_nothing_is_asked_loaded_or_changed(part: Mixture) -> None:
    assert part.expand({"main": MAIN}, STEP) == {"main": MAIN}
    assert part.adapters == ()
    free = ClassifierFree(scale=3.0)
    torch.testing.assert_close(walk(toy(), part, free), walk(toy(), free), rtol=0, atol=0)


@pytest.mark.parametrize("v", [0.0, 0.3, 0.7])
def test_the_same_model_and_prompt_make_no_difference(v: float) -> None:
    free = ClassifierFree(scale=3.0)
    torch.testing.assert_close(walk(first(), Mixture(model=("same",), v=v), free), walk(toy(), free))


def test_a_walk_is_the_written_out_loop() -> None:
    found = walk(first(), Mixture(model=("vague",), prompt=("a cat",), v=0.4, until=0.5), ClassifierFree(scale=2.0))
    stage = toy().stages[0]
    levels = stage.schedule.levels(10, stage.sampler)
    x = Streams([0, 1]).normal((3, 16, 16)) * stage.schedule.start_scale(10, stage.sampler)
    models_ = Gaussian(), Gaussian(spread=0.6)

    def answer(model: Gaussian, text: str, level: Level) -> Tensor:
        rows = Conditioning(colour(text).expand(2, 1, 3), torch.ones(2, 1, dtype=torch.bool))
        return model(x, level, rows, ())

    for index, here in enumerate(levels[:-1]):
        there = levels[index + 1]
        main, null = answer(models_[0], "a heart", here), answer(models_[0], "", here)
        if index < 5:
            main = 0.4 * main + 0.6 * answer(models_[1], "a cat", here)
        clean = null + 2.0 * (main - null)
        x = there.alpha * clean + there.sigma * (x - here.alpha * clean) / here.sigma
    torch.testing.assert_close(found, x, rtol=1e-4, atol=1e-4)


def test_several_models_share_by_weight() -> None:
    part = Mixture(model=("a", "b"), v=0.1, weights=(4.0, 5.0))
    shares = [share for _, _, share in part.terms.values()]
    assert shares == pytest.approx([0.4, 0.5]), "the paper's example of two concepts"
    answers = torch.randn(3, 2, 4, dtype=torch.float64)
    values = dict(zip(("main", "model 1", "model 2"), answers, strict=True))
    found = part.combine(values, STEP)["main"]
    torch.testing.assert_close(found, 0.1 * answers[0] + 0.4 * answers[1] + 0.5 * answers[2])


def test_one_forward_for_each_model_and_none_for_the_second_afterwards() -> None:
    ledger = Ledger()
    walk(first(), Mixture(model=("vague",), until=0.3), ClassifierFree(scale=2.0), ledger=ledger)
    rows = [(forward.step, forward.adapter, forward.rows) for forward in ledger.forwards]
    assert rows[:4] == [(0, None, 4), (0, "vague", 2), (1, None, 4), (1, "vague", 2)]
    assert [forward.adapter for forward in ledger.forwards if forward.step >= 3] == [None] * 7


def test_scores_over_tokens() -> None:
    class Scores:
        space = "logits"

        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, x, level, conditioning, edits):  # type: ignore[no-untyped-def]
            return self.factor * conditioning.tokens[:, :1].repeat(1, x.shape[1], 1)

    from limn.kernel.adapter import SecondModel
    from limn.kernel.encodings import Encodings

    words = toy().stages[0].encoder
    adapters = {"other": SecondModel(predictor=Scores(3.0), encodings=Encodings(words))}
    part = Mixture(model=("other",), v=0.5)
    runner = Runner(Scores(1.0), words, [Prompt("a heart")], [part], Streams([0]), adapters=adapters)
    step = Step(index=0, total=2, x=torch.full((1, 5), -1), level=Level(0.0, 1.0, 1.0), next=Level(1.0, 0.0, 0.0))
    torch.testing.assert_close(runner(step), 2.0 * colour("a heart").expand(1, 5, 3))


def test_the_second_model_reads_with_its_own_encoder() -> None:
    class Shouting:
        def encode(self, asks):  # type: ignore[no-untyped-def]
            return toy().stages[0].encoder.encode([replace(ask, prompt=Prompt("A CAT")) for ask in asks])

        def unread(self, text: str) -> str:
            return ""

    def loud(name: str) -> Generator:
        generator = toy()
        stage = replace(generator.stages[0], encoder=Shouting())  # type: ignore[arg-type]
        return Generator("loud", [stage], weights="", size=generator.size)

    generator = toy(spread=0.01)
    generator.others.load = loud
    state = walk(generator, Mixture(model=("loud",), v=0.0, until=1.0))
    torch.testing.assert_close(state.mean((2, 3)), colour("A CAT").expand(2, 3), rtol=0, atol=0.02)


def test_as_text_and_record() -> None:
    part = registry.parse("guidance", "mixture:model=tuned,prompt='a sks dog, sitting',v=0.4,until=0.5")
    assert part == Mixture(model=("tuned",), prompt=("a sks dog, sitting",), v=0.4, until=0.5)
    assert registry.build("guidance", json.loads(json.dumps(registry.record(part)))) == part
    several = registry.parse("guidance", "mixture:model=a|b,prompt=one|two,weights=1 2")
    assert several == Mixture(model=("a", "b"), prompt=("one", "two"), weights=(1.0, 2.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"v": 1.1}, "v: 1.1 is not allowed; give a number from 0 to 1"),
        ({"until": -0.1}, "until: -0.1 is not allowed; give a number from 0 to 1"),
        (
            {"model": ("a", "b"), "weights": (1.0,)},
            "model: 2 given; give as many weights, and one prompt or as many",
        ),
        ({"model": ("a",), "weights": (0.0,)}, "weights: 0.0 is not allowed; give numbers above 0"),
        ({"model": ("a",), "prompt": ("x\x00",)}, "NUL"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Mixture(**options)
    assert "\n" not in str(caught.value)


def test_models_that_cannot_be_asked() -> None:
    part = Mixture(model=("x",))
    with pytest.raises(InputError, match="adapter 'x' is not loaded"):
        toy().request("a", guidance=[part])
    generator = toy()
    generator.others.load = lambda name: replaced(schedule=models.load("emoji").stages[0].schedule)
    with pytest.raises(InputError, match="model 'x': its noise levels are not those of toy; name one of its kind"):
        generator.request("a", guidance=[part])


def replaced(**fields: Any) -> Generator:
    generator = toy()
    return Generator("x", [replace(generator.stages[0], **fields)], size=generator.size)


@pytest.mark.slow
def test_a_folder_as_second_model_is_drawn_recorded_and_noticed_when_changed(
    checkpoint: Path, tmp_path: Path
) -> None:
    """From the name in a guidance's text to the picture, its record, and its replay."""
    from tiny_stable_diffusion import build

    from limn import studio
    from limn.store import Store

    other = build(tmp_path / "tuned", seed=1)
    generator = models.load(checkpoint)
    text = f"mixture:model={other},prompt='a blue cat',v=0.5"
    request = generator.request("a red heart", steps=2, guide=[text])
    assert request.files == {str(other): models.load(other).weights}
    events = list(studio.generate(generator, request, Store(tmp_path / "store")))
    (path,) = [event.path for event in events if isinstance(event, studio.Drawn)]
    again = list(studio.replay(path, models.load))[-1]
    assert isinstance(again, studio.Replay)
    assert again.same
    assert not any("tuned" in cause for cause in again.causes)
    plain = generator.request("a red heart", steps=2)
    drawn = [event for event in generator.draw(plain) if isinstance(event, Picture)]
    assert (drawn[0].pixels != again.picture.pixels).any(), "the second model had a say"
    shutil.rmtree(other)
    build(other, seed=2)
    changed = list(studio.replay(path, models.load))[-1]
    assert isinstance(changed, studio.Replay)
    assert f"{other} is not what it was" in changed.causes
    assert not changed.same
