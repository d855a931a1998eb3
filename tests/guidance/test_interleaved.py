"""Two guidances take turns, and know nothing of each other."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.apg import APG
from limn.guidance.cfg_plus_plus import CFGPlusPlus
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.interleaved import Interleaved
from limn.guidance.rescale import Rescale
from limn.kernel import registry
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Progress
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from toys import toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=10, x=torch.zeros(2, 4), level=Level(0.6, 0.8, 0.5), next=Level(0.8, 0.6, 0.4))


def walk(*guidance: object, sampler: str = "ddim", ledger: Ledger | None = None) -> torch.Tensor:
    generator = toy()
    request = generator.request("a heart", n=2, steps=8, guidance=guidance, sampler=sampler)  # type: ignore[arg-type]
    events = generator.draw(request, ledger=ledger)
    return [event.state.x for event in events if isinstance(event, Progress)][-1]


@given(ratio=st.integers(0, 100).map(lambda percent: percent / 100), steps=st.integers(0, 200))
def test_even_turns_follow_the_ratio(ratio: float, steps: int) -> None:
    part = Interleaved(ratio=ratio)
    firsts = sum(part.turn(index) == "first" for index in range(steps))
    assert firsts == math.floor(round(steps * ratio, 6))


@given(ratio=st.floats(0, 1), seed=st.integers(0, 2**40))
def test_random_turns_are_the_seeds(ratio: float, seed: int) -> None:
    part = Interleaved(ratio=ratio, order="random", seed=seed)
    turns = [part.turn(index) for index in range(50)]
    assert turns == [replace(part).turn(index) for index in range(50)]
    if ratio in (0.0, 1.0):
        assert set(turns) == {"second" if ratio == 0 else "first"}


def test_random_turns_come_near_the_ratio_and_change_with_the_seed() -> None:
    parts = [Interleaved(ratio=0.3, order="random", seed=seed) for seed in range(2)]
    turns = [[part.turn(index) == "first" for index in range(4000)] for part in parts]
    assert turns[0] != turns[1]
    assert all(abs(sum(each) / 4000 - 0.3) < 0.03 for each in turns)


def test_the_ends_are_one_guidance_alone() -> None:
    first, second = ClassifierFree(scale=3.0), APG(scale=5.0, radius=1.0)
    for ratio, alone in ((1.0, first), (0.0, second)):
        both = walk(Interleaved(first=first, second=second, ratio=ratio))
        torch.testing.assert_close(both, walk(alone), rtol=0, atol=0)


@pytest.mark.parametrize("sampler", ["ddim", "heun"])
def test_equal_guidances_make_no_difference(sampler: str) -> None:
    part = ClassifierFree(scale=3.0)
    torch.testing.assert_close(
        walk(Interleaved(first=part, second=part), sampler=sampler), walk(part, sampler=sampler), rtol=0, atol=0
    )


def test_it_is_re_imagens_rule() -> None:
    part = Interleaved(
        first=ClassifierFree(scale=3.0), second=ClassifierFree(scale=5.0, drop="neighbours"), ratio=0.25
    )
    main, no_text, no_neighbours = torch.randn(3, 2, 4, dtype=torch.float64)
    for index in range(10):
        step = replace(STEP, index=index, memory={})
        asked = part.expand({"main": MAIN}, step)
        if index % 4 == 3:
            assert asked == {"main": MAIN, "null": MAIN.without("text")}
            found = part.combine({"main": main, "null": no_text}, step)["main"]
            torch.testing.assert_close(found, 3 * main - 2 * no_text)
        else:
            assert asked == {"main": MAIN, "without neighbours": MAIN.without("neighbours")}
            found = part.combine({"main": main, "without neighbours": no_neighbours}, step)["main"]
            torch.testing.assert_close(found, 5 * main - 4 * no_neighbours)


def test_only_the_one_whose_turn_it_is_is_asked() -> None:
    ledger = Ledger()
    walk(Interleaved(first=ClassifierFree(scale=3.0), second=ClassifierFree(scale=1.0)), ledger=ledger)
    assert [forward.rows for forward in ledger.forwards] == [2, 4] * 4


def test_memories_do_not_mix() -> None:
    """Each of two momenta goes on where it was at its own last turn."""
    first, second = APG(scale=3.0), APG(scale=3.0, momentum=-0.9)
    part, memory, answers = Interleaved(first=first, second=second), {}, torch.randn(8, 2, 2, 4, dtype=torch.float64)
    memories: dict[str, dict[str, Any]] = {"first": {}, "second": {}}
    for index, (main, null) in enumerate(answers):
        step = replace(STEP, index=index)
        found = part.combine({"main": main, "null": null}, replace(step, memory=memory))["main"]
        turn = part.turn(index)
        alone = replace(step, memory=memories[turn])
        wanted = getattr(part, turn).combine({"main": main, "null": null}, alone)["main"]
        assert torch.equal(found, wanted)
    assert set(memory) == {"first", "second"}


def test_a_second_evaluation_leaves_the_memory_alone() -> None:
    part, memory = Interleaved(first=APG(), second=APG()), {}
    answers = {"main": torch.randn(2, 4), "null": torch.randn(2, 4)}
    part.combine(answers, replace(STEP, memory=memory))
    before = {name: {key: value.clone() for key, value in each.items()} for name, each in memory.items()}
    part.combine(answers, replace(STEP, memory=dict(memory), primary=False))
    part.expand({"main": MAIN}, replace(STEP, memory=memory))
    assert {name: set(each) for name, each in memory.items()} == {name: set(each) for name, each in before.items()}
    assert all(torch.equal(memory[name][key], value) for name, each in before.items() for key, value in each.items())


def test_each_works_in_its_own_space() -> None:
    """Handed noise, a guidance of clean states is converted to and fro."""
    part, step = Interleaved(first=APG(scale=3.0), second=APG(scale=3.0), ratio=1.0), STEP
    main, null = torch.randn(2, 2, 4, dtype=torch.float64)
    clean = part.combine({"main": main, "null": null}, replace(step, memory={}))["main"]
    noise = {"main": step.to_noise(main), "null": step.to_noise(null)}
    found = part.combine(noise, replace(step, memory={}, space="noise"))["main"]
    torch.testing.assert_close(step.to_clean(found), clean)


def test_scores_over_tokens() -> None:
    class Scores:
        space = "logits"

        def __call__(self, x, level, conditioning, edits):  # type: ignore[no-untyped-def]
            return conditioning.tokens[:, :1].repeat(1, x.shape[1], 1)

    words, prompts, streams = toy().stages[0].encoder, [Prompt("a heart")], Streams([0])
    good = Interleaved(first=ClassifierFree(scale=3.0), second=ClassifierFree(scale=1.0))
    runner = Runner(Scores(), words, prompts, [good], streams)
    step = Step(index=1, total=2, x=torch.full((1, 5), -1), level=Level(0.0, 1.0, 1.0), next=Level(1.0, 0.0, 0.0))
    torch.testing.assert_close(runner(step), 3 * runner(replace(step, index=0)))
    for bad in (Interleaved(first=APG()), Interleaved(first=Interleaved(second=CFGPlusPlus()))):
        with pytest.raises(InputError, match="works in clean space, this model answers in logits"):
            Runner(Scores(), words, prompts, [bad], streams)


def test_as_text_and_record() -> None:
    text = "interleaved:first='classifier_free:scale=3,against=\"a, b\"',second='cfg_plus_plus:scale=0.5',ratio=0.25"
    part = registry.parse("guidance", text)
    assert part == Interleaved(
        first=ClassifierFree(scale=3.0, against="a, b"), second=CFGPlusPlus(scale=0.5), ratio=0.25
    )
    assert registry.build("guidance", json.loads(json.dumps(registry.record(part)))) == part
    assert toy().request("a", guidance=[text]).record()["guidance"][0]["second"] == {
        "name": "cfg_plus_plus",
        "scale": 0.5,
        "against": "",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 1.5}, "ratio: 1.5 is not allowed; give a number from 0 to 1"),
        ({"order": "odd"}, "order: 'odd' is not known; give even or random"),
        ({"seed": -1}, "seed: -1 is not allowed"),
        ({"second": Rescale()}, "second: rescale does not amplify; give one that does, as classifier_free"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Interleaved(**options)
    assert "\n" not in str(caught.value)


def test_one_scale_a_step() -> None:
    with pytest.raises(InputError, match="takes the place of"):
        toy().request("a", guidance=[Interleaved(), ClassifierFree()])
