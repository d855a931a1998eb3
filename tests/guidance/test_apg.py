"""Adaptive projected guidance against the algorithm of its paper, written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from limn.guidance.apg import APG
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Progress
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step
from toys import toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=9, x=torch.zeros(2, 3, 4, 4), level=Level(0.6, 0.8, 0.5), next=Level(0.8, 0.6, 0.4))


def answers(steps: int, pictures: int = 2) -> Tensor:
    """Answers (steps, with and without words, pictures, 3, 4, 4)."""
    random = torch.Generator().manual_seed(1)
    return torch.randn(steps, 2, pictures, 3, 4, 4, generator=random, dtype=torch.float64)


def trace(part: APG, pairs: Tensor, memory: dict[str, object] | None = None) -> list[Tensor]:
    step = replace(STEP, memory={} if memory is None else memory)
    return [
        part.combine({"main": main, "null": null}, replace(step, index=k))["main"]
        for k, (main, null) in enumerate(pairs)
    ]


def papers(pairs: Tensor, scale: float, eta: float, radius: float, momentum: float) -> list[Tensor]:
    """Algorithm 1 of the paper, for one batch."""
    dims, average, out = (-1, -2, -3), 0.0, []
    for conditional, unconditional in pairs:
        average = (conditional - unconditional) + momentum * average
        diff = average
        if radius > 0:
            norm = diff.norm(p=2, dim=dims, keepdim=True)
            diff = diff * torch.minimum(torch.ones_like(norm), radius / norm)
        unit = F.normalize(conditional.flatten(1), dim=1).view_as(conditional)
        parallel = (diff * unit).sum(dims, keepdim=True) * unit
        out.append(conditional + (scale - 1) * (diff - parallel + eta * parallel))
    return out


@given(
    scale=st.floats(0, 20).filter(lambda scale: scale != 1),
    eta=st.floats(0, 1),
    radius=st.floats(0.1, 20),
    momentum=st.floats(-0.9, 0.9),
)
def test_equals_the_papers_algorithm(scale: float, eta: float, radius: float, momentum: float) -> None:
    pairs = answers(steps=4)
    part = APG(scale=scale, eta=eta, radius=radius, momentum=momentum)
    torch.testing.assert_close(trace(part, pairs), papers(pairs, scale, eta, radius, momentum))


def test_with_everything_kept_it_is_classifier_free() -> None:
    pairs = answers(steps=3)
    part = APG(scale=5.0, eta=1.0, momentum=0.0)
    wanted = [null + 5.0 * (main - null) for main, null in pairs]
    torch.testing.assert_close(trace(part, pairs), wanted)


def test_nothing_parallel_is_left() -> None:
    pairs = answers(steps=1)
    (out,) = trace(APG(scale=5.0), pairs)
    change, main = (out - pairs[0, 0]).flatten(1), pairs[0, 0].flatten(1)
    assert F.cosine_similarity(change, main).abs().max() < 1e-12


def test_the_radius_bounds_the_change_of_each_picture() -> None:
    pairs = answers(steps=1)
    pairs[0, :, 1] *= 1e-3
    (out,) = trace(APG(scale=3.0, eta=1.0, radius=0.5, momentum=0.0), pairs)
    lengths = (out - pairs[0, 0]).flatten(1).norm(dim=1)
    torch.testing.assert_close(lengths[0], torch.tensor(2 * 0.5, dtype=torch.float64))
    torch.testing.assert_close(lengths[1], 2 * (pairs[0, 0, 1] - pairs[0, 1, 1]).norm())


def test_pictures_do_not_know_each_other() -> None:
    pairs = answers(steps=3, pictures=3)
    part = APG(scale=4.0, radius=2.0)
    together = trace(part, pairs)
    alone = trace(part, pairs[:, :, 2:])
    assert all(torch.allclose(both[2:], one, atol=1e-6) for both, one in zip(together, alone, strict=True))


def test_scale_one_asks_and_changes_nothing() -> None:
    part, memory = APG(scale=1.0), {}
    assert part.expand({"main": MAIN}, STEP) == {"main": MAIN}
    pairs = answers(steps=1)
    assert torch.equal(trace(part, pairs, memory)[0], pairs[0, 0])
    assert memory == {}


def test_what_is_asked() -> None:
    assert APG().expand({"main": MAIN}, STEP)["null"] == MAIN.without("text")
    assert APG(against="grey").expand({"main": MAIN}, STEP)["null"] == MAIN.against("grey")


def test_equal_answers_leave_no_trace() -> None:
    pair = torch.zeros(1, 2, 2, 3, 4, 4)
    assert torch.equal(trace(APG(radius=1.0), pair)[0], pair[0, 0]), "no division by zero either"


def walk(guidance: Sequence[object], sampler: str) -> Tensor:
    generator = toy()
    request = generator.request("a heart", n=2, guidance=guidance, sampler=sampler)  # type: ignore[arg-type]
    return [event.state.x for event in generator.draw(request) if isinstance(event, Progress)][-1]


@pytest.mark.parametrize("sampler", ["ddim", "heun"])
def test_a_walk_of_the_neutral_form_is_the_walk_of_classifier_free(sampler: str) -> None:
    plain = walk([ClassifierFree(scale=3.0)], sampler)
    torch.testing.assert_close(walk([APG(scale=3.0, eta=1.0, momentum=0.0)], sampler), plain)
    assert not torch.allclose(walk([APG(scale=3.0)], sampler), plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 101.0}, "scale: 101.0 is not allowed; give a number from 0 to 100"),
        ({"eta": -0.1}, "eta: -0.1 is not allowed; give a number from 0 to 1"),
        ({"radius": 0.0}, "radius: 0.0 is not allowed; give a number above 0, or none"),
        ({"momentum": 1.0}, "momentum: 1.0 is not allowed; give a number between -1 and 1"),
    ],
)
def test_options_out_of_range(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        APG(**options)
