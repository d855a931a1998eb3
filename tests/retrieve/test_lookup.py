from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limn.data.example import Example
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.kernel.request import Request
from limn.retrieve.collection import add
from limn.retrieve.lookup import Lookup, apart, retrieved


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("lookup"), np.random.default_rng(0)
    picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    nearly = np.clip(picture.astype(int) + rng.integers(-2, 3, picture.shape), 0, 255).astype(np.uint8)
    other = 255 - picture
    rows = [
        ("one", picture, "a zorp"),
        ("copy", nearly, "a zorp"),
        ("two", other, "a blue zorp"),
        ("three", other, "x"),
    ]
    list(add((Example(key=key, picture=part, captions=(text,)) for key, part, text in rows), folder))
    return folder


def test_neighbours_stand_in_the_prompt_and_copies_are_left_out(folder: Path) -> None:
    request = retrieved(Request(prompts=("a zorp",), retrieve=f"{folder}:k=2"))
    names = [one.name for one in request.prompts[0].neighbours]
    assert len(names) == 2
    assert "two" in names
    assert len({"one", "copy"} & set(names)) == 1
    assert request.retrieve == ""
    assert len(retrieved(Request(prompts=("a zorp",), retrieve=f"{folder}:k=3,near=0")).prompts[0].neighbours) == 3


def test_neighbours_that_a_prompt_has_are_kept(folder: Path) -> None:
    first = retrieved(Request(prompts=("a zorp",), retrieve=str(folder))).prompts[0]
    again = retrieved(Request(prompts=(first,), retrieve=f"{folder}:k=1"))
    assert again.prompts[0] == first


def test_nothing_alike_is_left_out(folder: Path) -> None:
    near = Lookup(collection=str(folder), k=3, near=0.0)
    assert apart([], 0.1) == []
    assert near.k == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere", "is no collection"), ("{}:k=0", "k=0 is not allowed"), ("{}:by=luck", "way to retrieve"),
        ("{}:near=2", "near=2"), ("{}:many=2", "option of retrieve"), ("{}:k=x", "a whole number"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_up_is_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        retrieved(Request(prompts=("a zorp",), retrieve=text.format(folder)))


def test_a_prompt_that_nothing_fits_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match="has nothing for 'quux'"):
        retrieved(Request(prompts=("quux",), retrieve=str(folder)))
    assert Lookup(collection=str(folder)).neighbours([Prompt("")], None) == [()]  # type: ignore[arg-type]
