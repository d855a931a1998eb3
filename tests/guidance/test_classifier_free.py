"""Classifier-free guidance is its formula; the runner's tests show it at work."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.kernel.step import Level, Step

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=1, x=torch.zeros(1, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0))


@given(scale=st.floats(0, 100), main=st.floats(-5, 5), null=st.floats(-5, 5))
def test_formula(scale: float, main: float, null: float) -> None:
    part = ClassifierFree(scale=scale)
    names = part.expand({"main": MAIN}, STEP)
    values = {"main": torch.tensor([main]), "without text": torch.tensor([null])}
    out = part.combine({name: values[name] for name in names}, STEP)["main"]
    assert torch.allclose(out, torch.tensor([null + scale * (main - null)]), atol=1e-3, rtol=1e-5)


def test_the_negative_prompt_takes_the_place_of_the_empty_one() -> None:
    asked = ClassifierFree(against="grey").expand({"main": MAIN}, STEP)
    assert asked == {"main": MAIN, "against grey": MAIN.saying("grey")}
    asked = ClassifierFree(drop="neighbours").expand({"main": MAIN}, STEP)
    assert asked["without neighbours"] == MAIN.without("neighbours")


@pytest.mark.parametrize("scale", [-0.1, 100.1, float("nan"), float("inf")])
def test_scales_out_of_range(scale: float) -> None:
    with pytest.raises(InputError, match="scale"):
        ClassifierFree(scale=scale)
