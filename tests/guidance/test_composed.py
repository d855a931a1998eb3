"""Several weighted prompts are the sum that Liu et al. write."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.composed import Composed
from limn.kernel import registry
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Progress
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from toys import colour, toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=2, x=torch.zeros(2, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=6), st.floats(0, 20))
def test_with_classifier_free_it_is_the_papers_sum(weights: list[float], scale: float) -> None:
    part = Composed(prompts=tuple(f"thing {k}" for k in range(len(weights))), weights=tuple(weights))
    free = ClassifierFree(scale=scale)
    asked = free.expand(part.expand({"main": MAIN}, STEP), STEP)
    random = torch.Generator().manual_seed(len(weights))
    answers = {name: torch.randn(2, 4, generator=random, dtype=torch.float64) for name in [*asked, "null"]}
    folded = part.combine(answers, STEP)
    folded = free.combine({**folded, "base": folded["main"]}, STEP)["main"]
    null = answers["null"]
    terms = [(1.0, answers["main"])] + [
        (weight, answers[f"composed {place}"]) for place, weight in enumerate(weights, 1) if weight
    ]
    wanted = null + scale * sum(weight * (answer - null) for weight, answer in terms)
    if scale != 1:
        torch.testing.assert_close(folded, wanted, rtol=1e-9, atol=1e-9)


def test_what_is_asked() -> None:
    part = Composed(prompts=("a cat", "a dog", "a cow"), weights=(1.0, 0.0, -2.0))
    asked = part.expand({"main": MAIN}, STEP)
    assert asked == {
        "main": MAIN,
        "null": MAIN.without("text"),
        "composed 1": MAIN.saying("a cat"),
        "composed 3": MAIN.saying("a cow"),
    }
    negative = {"main": MAIN, "null": MAIN.saying("grey")}
    assert part.expand(negative, STEP)["null"] == MAIN.saying("grey"), "a null that is there stays"


def test_without_prompts_or_weight_nothing_is_asked_or_changed() -> None:
    for part in (Composed(), Composed(prompts=("a cat",), weights=(0.0,))):
        assert part.expand({"main": MAIN}, STEP) == {"main": MAIN}
        answers = {"main": torch.ones(2, 4)}
        assert part.combine(answers, STEP)["main"] is answers["main"]


def test_a_prompt_with_itself_is_twice_the_scale_and_against_itself_nothing() -> None:
    generator = toy(batch=2)
    draw = {
        name: last_state(generator, guidance)
        for name, guidance in {
            "twice": [Composed(prompts=("a heart",)), ClassifierFree(scale=2.0)],
            "double": [ClassifierFree(scale=4.0)],
            "not": [Composed(prompts=("a heart",), weights=(-1.0,)), ClassifierFree(scale=5.0)],
            "none": [ClassifierFree(scale=0.0)],
        }.items()
    }
    torch.testing.assert_close(draw["twice"], draw["double"])
    torch.testing.assert_close(draw["not"], draw["none"])


def test_equal_questions_are_asked_once() -> None:
    ledger = Ledger()
    last_state(toy(batch=2), [Composed(prompts=("a heart", "a cat")), ClassifierFree(scale=3.0)], ledger)
    assert {forward.rows for forward in ledger.forwards} == {6}, "main and composed 1 are one question: 3 rows each"


def last_state(generator, guidance, ledger=None):  # type: ignore[no-untyped-def]
    request = generator.request("a heart", n=2, guidance=guidance)
    events = list(generator.draw(request, ledger=ledger))
    return [event.state.x for event in events if isinstance(event, Progress)][-1]


def test_both_wishes_pull() -> None:
    """On a Gaussian world the composed mean is the sum of the wishes' means."""
    state = last_state(toy(spread=0.01), [Composed(prompts=("a cat",), weights=(0.5,)), ClassifierFree(scale=1.0)])
    wanted = colour("a heart") + 0.5 * colour("a cat")
    torch.testing.assert_close(state.mean((2, 3)), wanted.expand(2, 3), atol=0.02, rtol=0)


def test_scores_over_tokens_follow_the_same_sum() -> None:
    class Scores:
        space = "logits"

        def __call__(self, x, level, conditioning, edits):  # type: ignore[no-untyped-def]
            return conditioning.tokens[:, :1].double().repeat(1, x.shape[1], 1)

    words = toy().stages[0].encoder
    guidances = [Composed(prompts=("a cat",), weights=(-1.0,)), ClassifierFree(scale=3.0)]
    runner = Runner(Scores(), words, [Prompt("a heart")], guidances, Streams([0]))
    step = Step(index=0, total=1, x=torch.full((1, 5), -1), level=Level(0.0, 1.0, 1.0), next=Level(1.0, 0.0, 0.0))
    wanted = 3 * (colour("a heart").double() - colour("a cat").double())
    torch.testing.assert_close(runner(step), wanted.expand(1, 5, 3))


def test_as_text_and_record() -> None:
    part = registry.parse("guidance", "composed:prompts='a cat, grey|a dog',weights='1 -0.5'")
    assert part == Composed(prompts=("a cat, grey", "a dog"), weights=(1.0, -0.5))
    assert registry.build("guidance", registry.record(part)) == part
    assert registry.parse("guidance", "composed:prompts=a cat|a dog,weights=1|-1").weights == (1.0, -1.0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompts": ("a",), "weights": (1.0, 2.0)}, "weights: 2 given for 1 prompts; give one for each"),
        ({"prompts": ("a",), "weights": (101.0,)}, "weights: 101.0 is not allowed"),
        ({"prompts": ("a",), "weights": (float("nan"),)}, "weights: nan is not allowed"),
        ({"prompts": ("a\x00",)}, "NUL"),
    ],
)
def test_options_out_of_range(fields: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Composed(**fields)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
