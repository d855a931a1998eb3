"""Embedded guidance: every question carries the scale, and the network reads it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from limn.guidance.embedded import KNOB, Embedded
from limn.kernel.branch import Branch
from limn.kernel.completion import guidances
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.request import Request
from limn.kernel.step import Step

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=1, x=torch.zeros(1, 3, 4, 4), level=Level(0.6, 0.8, 0.5), next=Level(1, 0, 0))


def test_every_question_carries_the_scale() -> None:
    asked = Embedded(scale=4).expand({"main": MAIN, "null": MAIN.without("text")}, STEP)
    assert {branch.knobs for branch in asked.values()} == {((KNOB, 4.0),)}
    assert {name: replace(branch, knobs=()) for name, branch in asked.items()} == {
        "main": MAIN,
        "null": MAIN.without("text"),
    }


def test_rows_without_the_number_have_none() -> None:
    rows = Conditioning(torch.zeros(2, 3, 4), torch.ones(2, 3).bool())
    turned = rows.turned([{KNOB: 4.0}, {}]).extras[KNOB].tolist()
    assert turned[0] == 4
    assert math.isnan(turned[1])
    assert rows.turned([{}, {}]) is rows


@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0])
def test_a_requests_scale_is_the_embedded_one_and_a_negative_prompt_has_no_place(scale: float) -> None:
    assert guidances([Embedded()], Request(prompts="a heart", scale=scale)) == (Embedded(scale=scale),)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="negative: embedded takes none"):
        guidances([Embedded()], Request(prompts="a heart", negative="blurry"))  # type: ignore[arg-type]
