"""CFG-Zero*: the formula on velocities and noise, as diffusers has it, and the still start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from limn.guidance.cfg_zero import CFGZero
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step

MAIN = Branch(Prompt("a red heart"))
FLOW, NOISY, WIDE = Level(0.3, 0.7, 0.7), Level(0.6, 0.8, 500.0), Level(1.0, 5.0, 0.4)
STEP = Step(
    index=10, total=50, level=FLOW, next=Level(0.5, 0.5, 0.5),
    x=torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64),
)  # fmt: skip


def answers(step: Step) -> dict[str, Tensor]:
    main, null = torch.randn(2, *step.x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return {"main": main, "base": main, "null": null}


def slope(step: Step, clean: Tensor) -> Tensor:
    """What the network of such levels answers: a velocity, or the noise."""
    noise = (step.x - step.level.alpha * clean) / step.level.sigma
    return noise - clean if step.level == FLOW else noise


@pytest.mark.parametrize("level", [FLOW, NOISY, WIDE])
@pytest.mark.parametrize("scale", [0.0, 2.5, 7.5])
def test_it_equals_diffusers(level: Level, scale: float) -> None:
    guiders = pytest.importorskip("diffusers.guiders")
    part = CFGZero(scale=scale, zero_init=0.1)
    guider = guiders.ClassifierFreeZeroStarGuidance(guidance_scale=scale, zero_init_steps=5)
    for index in (0, 4, 5, 30):
        step = replace(STEP, index=index, level=level)
        values = answers(step)
        guider.set_state(step=index, num_inference_steps=50, timestep=torch.tensor(index))
        want = guider.forward(slope(step, values["base"]), slope(step, values["null"])).pred
        torch.testing.assert_close(slope(step, part.combine(values, step)["main"]), want, rtol=1e-5, atol=1e-5)


def test_an_orthogonal_null_answer_is_left_out_and_a_multiple_takes_all() -> None:
    step = replace(STEP, x=torch.zeros(1, 2), level=WIDE)
    base, other = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    for null, want in ((other, 3.0 * base), (0.25 * base, base)):
        folded = CFGZero(scale=3.0).combine({"main": base, "base": base, "null": null}, step)["main"]
        torch.testing.assert_close(folded, want)


def test_at_pure_noise_a_flow_goes_by_its_velocity() -> None:
    step = replace(STEP, level=Level(0.0, 1.0, 1.0))
    values = answers(step)
    one, two = (step.x - values[name] for name in ("base", "null"))
    fit = (one * two).sum((1, 2, 3), keepdim=True) / two.square().sum((1, 2, 3), keepdim=True)
    want = step.x - (fit * two + 4.0 * (one - fit * two))
    torch.testing.assert_close(CFGZero(scale=4.0).combine(values, step)["main"], want)


def test_a_share_of_the_walk_stands_still() -> None:
    for total, still in ((4, 0), (24, 0), (25, 1), (50, 2), (100, 4)):
        steps = [replace(STEP, index=index, total=total) for index in range(total)]
        assert sum(CFGZero().still(step) for step in steps) == still
    step = replace(STEP, index=0)
    assert CFGZero().expand({"main": MAIN}, step) == {"main": MAIN}
    clean = CFGZero().combine({"main": answers(step)["main"]}, step)["main"]
    after = step.next.alpha * clean + step.next.sigma * (step.x - step.level.alpha * clean) / step.level.sigma
    torch.testing.assert_close(after, step.x)


def test_what_is_asked() -> None:
    assert CFGZero().expand({"main": MAIN}, STEP)["null"] == MAIN.without("text")
    assert CFGZero(against="grey").expand({"main": MAIN}, STEP)["null"] == MAIN.against("grey")
    assert CFGZero(scale=1.0).expand({"main": MAIN}, STEP) == {"main": MAIN}


def test_other_amplifying_guidances_add_up() -> None:
    values = answers(STEP)

    def folded(*parts: Guidance) -> Tensor:
        found = values
        for part in parts:
            found = part.combine(found, STEP)
        return found["main"]

    one, two = CFGZero(scale=3.0), ClassifierFree(scale=2.0)
    torch.testing.assert_close(folded(one, two), folded(two, one))
    torch.testing.assert_close(folded(one, two) - values["main"], folded(one) + folded(two) - 2 * values["main"])


@pytest.mark.parametrize(
    ("options", "message"), [({"scale": -1.0}, "scale: -1.0"), ({"zero_init": 1.5}, "zero_init: 1.5")]
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"{message} is not allowed; give a number from 0 to"):
        CFGZero(**options)
