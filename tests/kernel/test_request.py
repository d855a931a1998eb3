"""A request decides everything and is its own name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.sld import SLD
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt, Region
from limn.kernel.request import Request
from limn.samplers.ddim import DDIM


def whole(**changes: Any) -> Request:
    usual: dict[str, Any] = {"steps": 1, "size": 64, "sampler": DDIM(), "guidance": ()}
    return Request(**{"prompts": "a", "model": "m", **usual, **changes})


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=40)


@given(texts=st.lists(TEXT, min_size=1, max_size=4), n=st.integers(1, 5), seed=st.integers(0, 2**40))
def test_record_and_back(texts: list[str], n: int, seed: int) -> None:
    prompts = tuple(Prompt(text, (b"\x01",), (Region(words=text),), (1.0, 0.5)) for text in texts)
    guidance = (ClassifierFree(scale=3), SLD(concept="fog"))
    request = whole(prompts=prompts, n=n, seed=seed, sampler=DDIM(eta=0.5), guidance=guidance)
    again = Request.from_record(json.loads(json.dumps(request.record())))
    assert again == request
    assert again.key() == request.key()
    assert [item.index for item in request.items()] == list(range(n * len(texts)))
    assert [item.seed for item in request.items()] == [seed + k for _ in texts for k in range(n)]


def test_every_field_changes_the_key() -> None:
    changes: list[dict[str, Any]] = [
        {}, {"model": "n"}, {"prompts": "b"}, {"weights": "00"}, {"n": 2}, {"seed": 1}, {"steps": 2},
        {"size": "32x64"}, {"size": "64x32"}, {"sampler": DDIM(eta=1)}, {"guidance": [ClassifierFree()]},
        {"spacing": "karras"}, {"files": {"a": "b"}},
    ]  # fmt: skip
    assert len({whole(**change).key() for change in changes}) == len(changes)


def test_a_request_that_is_not_complete_has_no_record() -> None:
    for change in ({"steps": None}, {"size": None}, {"sampler": "ddim"}, {"guidance": None}, {"guide": "sld"}):
        with pytest.raises(InputError, match="not complete"):
            whole(**change).record()  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["n", "seed", "steps"])
@pytest.mark.parametrize("value", [-1, 10**30, 1.5, float("nan"), True, "3"])
def test_numbers_out_of_range(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        Request(prompts="a", **{field: value})


@pytest.mark.parametrize(
    "size",
    [
        (0, 64),
        (64, 10**30),
        (1.5, 64),
        (True, 64),
        "64x64x64",
        "x",
        "64x",
        "-64",
        "64.0",
        "nan",
        "６４",
        "9" * 5000,
        "",
    ],
)
def test_sizes_out_of_range(size: object) -> None:
    with pytest.raises(InputError, match=r"size|height|width"):
        Request(prompts="a", size=size)  # type: ignore[arg-type]


@given(st.integers(1, 4096), st.integers(1, 4096))
def test_sizes_are_written_as_width_times_height(width: int, height: int) -> None:
    assert Request(prompts="a", size=f"{width}x{height}").size == (height, width)  # type: ignore[arg-type]
    assert Request(prompts="a", size=width).size == (width, width)  # type: ignore[arg-type]


def test_keywords_are_known_or_refused() -> None:
    assert Request.of("a", {"n": 3, "steps": None}).n == 3
    for name, message in {
        "step": "did you mean 'steps'",
        "weights": "unknown option",
        "prompts": "unknown option",
    }.items():
        with pytest.raises(InputError, match=message):
            Request.of("a", {name: 1})


def test_a_record_may_not_hold_what_is_folded() -> None:
    for name in ("scale", "guide", "style"):
        with pytest.raises(InputError, match=f"{name} is no part of a record"):
            Request.from_record({**whole().record(), name: 3})


@pytest.mark.parametrize("record", [{}, {"schema": 2}, {"schema": 1}, {"schema": 1, "prompts": [{}]}, []])
def test_records_that_cannot_be_read(record: object) -> None:
    with pytest.raises(InputError, match="request record"):
        Request.from_record(record)
