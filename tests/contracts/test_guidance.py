"""What every registered guidance must satisfy."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import small_models
import toys
from limn.kernel import registry
from limn.kernel.branch import Branch, Branches
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Runner
from limn.kernel.step import Level, Step

NAMES = registry.names("guidance")
MAIN = Branch(Prompt("a red heart"))
PROMPTS = ("a red heart", "a dog", "")


def default(name: str) -> Guidance:
    part = registry.build("guidance", {"name": name})
    assert isinstance(part, Guidance)
    return part


def noise(pictures: Sequence[int], index: int = 0) -> Tensor:
    """One random state for each picture, by the picture's number."""
    rows = [torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(10 * k + index)) for k in pictures]
    return torch.stack(rows)


def a_step(pictures: Sequence[int] = (0, 1), index: int = 0, **fields: Any) -> Step:
    levels = Level(0.6, 0.8, 0.5), Level(0.8, 0.6, 0.25)
    return Step(
        index=index, total=4, x=noise(pictures), level=levels[0], next=levels[1], streams=Streams(pictures), **fields
    )


def answered(part: Guidance, step: Step, pictures: Sequence[int], *, alike: bool = False) -> Tensor:
    """Ask and fold as the runner does, every branch answered by random values within [-1, 1]."""
    asked = part.expand({"main": MAIN}, replace(step, picture=0, primary=False))
    if any(branch.gradient for branch in asked.values()):
        step = replace(step, x=step.x.detach().requires_grad_(True))
    answers = {}
    for place, (name, branch) in enumerate(asked.items()):
        found = (noise(pictures, 1 if alike else 1 + place) / 3).clamp(-1, 1).to(step.x.dtype)
        answers[name] = found + 0 * step.x if branch.gradient else found
    if part.rank >= Rank.AMPLIFY:
        answers["base"] = answers["main"]
    space = "clean" if part.space == "any" else part.space
    return part.combine(answers, replace(step, space=space))["main"].detach()


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen_data_and_a_record(name: str) -> None:
    part = default(name)
    assert dataclasses.is_dataclass(part)
    assert type(part).__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(field.kw_only for field in dataclasses.fields(part))
    assert registry.build("guidance", json.loads(json.dumps(registry.record(part)))) == part
    assert hash(part) == hash(default(name))


@pytest.mark.parametrize("name", NAMES)
def test_rank_space_and_slot_are_known(name: str) -> None:
    part = default(name)
    assert part.rank in set(Rank)
    assert part.space in {"clean", "noise", "logits", "any"}
    assert part.slot in {"", "scale"}
    assert (part.slot != "scale") or part.rank is Rank.AMPLIFY


@pytest.mark.parametrize("name", NAMES)
def test_expand_keeps_main_and_is_pure(name: str) -> None:
    branches = {"main": MAIN}
    part, step = default(name), a_step()
    first, second = part.expand(dict(branches), step), part.expand(dict(branches), step)
    assert first == second
    assert "main" in first
    assert branches == {"main": MAIN}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_all_share(name: str) -> None:
    """Without words it is ``null`` for everyone, a negative prompt in it stays, and no one asks ``base``."""
    part, step = default(name), a_step()
    asked = part.expand({"main": MAIN}, step)
    assert "base" not in asked
    assert {each for each, branch in asked.items() if branch == MAIN.without("text")} <= {"null"}
    grey: Branches = {"main": MAIN, "null": MAIN.saying("grey")}
    if part.slot != "scale":
        assert part.expand(grey, step)["null"] == grey["null"]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_equal_answers_stay_as_they_are(name: str, seed: int) -> None:
    """When every branch answers the same there is nothing to steer towards."""
    part, pictures = default(name), (seed, seed + 1)
    folded = answered(part, a_step(pictures), pictures, alike=True)
    assert torch.allclose(folded, (noise(pictures, 1) / 3).clamp(-1, 1), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_does_not_depend_on_its_neighbours(name: str) -> None:
    """Over two steps, so that what is remembered is each picture's own."""
    part, found = default(name), {}
    for pictures in ((0, 1, 2), (1,), (2, 1)):
        memory: dict[str, Any] = {}
        for index in (0, 1):
            last = answered(part, a_step(pictures, index, memory=memory), pictures)
        found[pictures] = last[pictures.index(1)]
    assert torch.allclose(found[0, 1, 2], found[1,], atol=1e-5)
    assert torch.allclose(found[2, 1], found[1,], atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_precision_stays_what_it_was(name: str, dtype: torch.dtype) -> None:
    part, step = default(name), a_step()
    folded = answered(part, replace(step, x=step.x.to(dtype)), (0, 1))
    assert folded.dtype == dtype
    assert torch.isfinite(folded).all()


@pytest.mark.parametrize("name", [name for name in NAMES if registry.find("guidance", name).space != "logits"])  # type: ignore[attr-defined]
def test_secondary_evaluations_leave_no_trace(name: str, there: dict[str, str]) -> None:
    """A solver that looks ahead gets the same answers afterwards as one that does not."""
    part = small_models.usual(name, there)
    ahead, straight = (
        Runner(toys.Gaussian(), toys.Words(), [Prompt(text) for text in PROMPTS], [part], Streams(range(3)))
        for _ in range(2)
    )
    first = a_step((0, 1, 2))
    later = replace(first, index=1, x=noise((0, 1, 2), 5))
    assert torch.equal(ahead(first), straight(first))
    ahead(replace(later, x=noise((0, 1, 2), 7), primary=False))
    assert torch.equal(ahead(later), straight(later))
