"""A request decides everything and is its own name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt, Region
from limn.kernel.request import Request

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=40)


@given(texts=st.lists(TEXT, min_size=1, max_size=4), n=st.integers(1, 5), seed=st.integers(0, 2**40))
def test_record_and_back(texts: list[str], n: int, seed: int) -> None:
    prompts = tuple(Prompt(text, (b"\x01",), (Region(words=text),), (1.0, 0.5)) for text in texts)
    request = Request(model="m", prompts=prompts, n=n, seed=seed, sampler={"name": "ddim", "eta": 0.0})
    again = Request.from_record(json.loads(json.dumps(request.record())))
    assert again == request
    assert again.key() == request.key()
    assert [item.index for item in request.items()] == list(range(n * len(texts)))
    assert [item.seed for item in request.items()] == [seed + k for _ in texts for k in range(n)]


def test_every_field_changes_the_key() -> None:
    base = Request(model="m", prompts=(Prompt("a"),))
    others = [
        Request(model="n", prompts=(Prompt("a"),)),
        Request(model="m", prompts=(Prompt("b"),)),
        Request(model="m", prompts=(Prompt("a"),), weights="00"),
        Request(model="m", prompts=(Prompt("a"),), n=2),
        Request(model="m", prompts=(Prompt("a"),), seed=1),
        Request(model="m", prompts=(Prompt("a"),), steps=2),
        Request(model="m", prompts=(Prompt("a"),), width=32),
        Request(model="m", prompts=(Prompt("a"),), height=32),
        Request(model="m", prompts=(Prompt("a"),), sampler={"name": "ddim"}),
        Request(model="m", prompts=(Prompt("a"),), guidance=({"name": "x"},)),
    ]
    assert len({each.key() for each in [base, *others]}) == 11


@pytest.mark.parametrize("field", ["n", "seed", "steps", "width", "height"])
@pytest.mark.parametrize("value", [-1, 10**30, 1.5, float("nan"), True, "3"])
def test_numbers_out_of_range(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        Request(model="m", prompts=(Prompt("a"),), **{field: value})


@pytest.mark.parametrize("record", [{}, {"schema": 2}, {"schema": 1}, {"schema": 1, "prompts": [{}]}, []])
def test_records_that_cannot_be_read(record: object) -> None:
    with pytest.raises(InputError, match="request record"):
        Request.from_record(record)
