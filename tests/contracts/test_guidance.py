"""What every registered guidance must satisfy."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.kernel import spec
from limn.kernel.branch import Branch
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.prompt import Prompt
from limn.kernel.step import Level, Step

NAMES = spec.names("guidance")


def default(name: str) -> Guidance:
    part = spec.build("guidance", {"name": name})
    assert isinstance(part, Guidance)
    return part


def a_step() -> Step:
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return Step(index=0, total=4, x=x, level=Level(0.6, 0.8, 0.5), next=Level(0.8, 0.6, 0.25))


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen_data_and_a_record(name: str) -> None:
    part = default(name)
    assert dataclasses.is_dataclass(part)
    assert type(part).__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(field.kw_only for field in dataclasses.fields(part))
    assert spec.build("guidance", json.loads(json.dumps(spec.record(part)))) == part
    assert hash(part) == hash(default(name))


@pytest.mark.parametrize("name", NAMES)
def test_rank_and_space_are_known(name: str) -> None:
    part = default(name)
    assert part.rank in set(Rank)
    assert part.space in {"clean", "noise", "logits", "any"}


@pytest.mark.parametrize("name", NAMES)
def test_expand_keeps_main_and_is_pure(name: str) -> None:
    branches = {"main": Branch(Prompt("a red heart"))}
    part, step = default(name), a_step()
    first, second = part.expand(dict(branches), step), part.expand(dict(branches), step)
    assert first == second
    assert "main" in first
    assert branches == {"main": Branch(Prompt("a red heart"))}


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 1000))
def test_equal_answers_stay_as_they_are(name: str, seed: int) -> None:
    """When every branch answers the same there is nothing to steer towards."""
    part, step = default(name), a_step()
    answer = torch.randn(step.x.shape, generator=torch.Generator().manual_seed(seed))
    asked = part.expand({"main": Branch(Prompt("a red heart"))}, step)
    folded = part.combine({name: answer.clone() for name in asked}, step)
    assert folded["main"].shape == answer.shape
    assert torch.allclose(folded["main"], answer, atol=1e-5)
