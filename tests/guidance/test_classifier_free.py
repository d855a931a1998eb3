"""Classifier-free guidance is its formula; the runner's tests show it at work."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=1, x=torch.zeros(1, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0))


@given(scale=st.floats(0, 100), main=st.floats(-5, 5), null=st.floats(-5, 5))
def test_formula(scale: float, main: float, null: float) -> None:
    part = ClassifierFree(scale=scale)
    names = part.expand({"main": MAIN}, STEP)
    values = {"main": torch.tensor([main]), "null": torch.tensor([null])}
    out = part.combine({name: values[name] for name in names}, STEP)["main"]
    assert torch.allclose(out, torch.tensor([null + scale * (main - null)]), atol=1e-3, rtol=1e-5)


def test_the_negative_prompt_takes_the_place_of_the_empty_one() -> None:
    asked = ClassifierFree(against="grey").expand({"main": MAIN}, STEP)
    assert asked == {"main": MAIN, "null": MAIN.against("grey")}
    asked = ClassifierFree(drop="neighbours").expand({"main": MAIN}, STEP)
    assert asked["without neighbours"] == MAIN.without("neighbours")


def at(index: int, *, ratio: float = 1.0, memory: dict[str, object] | None = None) -> Step:
    level = Level(1.0, ratio, 0.5)
    return replace(STEP, index=index, total=5, level=level, memory={} if memory is None else memory)


@pytest.mark.parametrize(("schedule", "middle"), [("constant", 5.0), ("linear", 3.0), ("cosine", 3.0)])
def test_schedules_grow_from_one_to_the_scale(schedule: str, middle: float) -> None:
    part = ClassifierFree(scale=5.0, schedule=schedule)
    scales = [part.scale_at(at(index)) for index in range(5)]
    assert scales[2] == pytest.approx(middle)
    assert scales[4] == pytest.approx(5.0)
    assert scales == sorted(scales)
    assert scales[0] == (5.0 if schedule == "constant" else 1.0)


def test_outside_the_interval_nothing_is_asked_or_changed() -> None:
    part = ClassifierFree(scale=4.0, low=0.5, high=2.0)
    asked = {ratio: "null" in part.expand({"main": MAIN}, at(0, ratio=ratio)) for ratio in (0.5, 0.6, 2.0, 2.1)}
    assert asked == {0.5: False, 0.6: True, 2.0: True, 2.1: False}
    answers = {"main": torch.ones(1, 4), "null": torch.zeros(1, 4)}
    assert torch.equal(part.combine(answers, at(0, ratio=3.0))["main"], answers["main"])


def test_a_picture_whose_answers_agree_is_not_guided_any_more() -> None:
    part, memory = ClassifierFree(scale=3.0, agree=0.99), {}
    here = replace(at(0, memory=memory), x=torch.zeros(2, 4), space="noise")
    main = torch.tensor([[1.0, 0, 0, 0], [1.0, 0, 0, 0]])
    null = torch.tensor([[1.0, 0, 0, 0.01], [0, 1.0, 0, 0]])
    first = part.combine({"main": main, "null": null}, here)["main"]
    assert torch.allclose(first, null + 3 * (main - null)), "the step that finds out is still guided"
    asks = ["null" in part.expand({"main": MAIN}, replace(here, index=1, picture=picture)) for picture in (0, 1)]
    assert asks == [False, True]
    again = part.combine({"main": main, "null": null}, replace(here, index=1))["main"]
    assert torch.equal(again[0], main[0])
    assert torch.equal(again[1], first[1])


@pytest.mark.parametrize("scale", [-0.1, 100.1, float("nan"), float("inf")])
def test_scales_out_of_range(scale: float) -> None:
    with pytest.raises(InputError, match="scale"):
        ClassifierFree(scale=scale)
