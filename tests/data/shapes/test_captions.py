"""Captions name what they promise to name; prompts know what they ask for."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.data import shapes
from limn.data.shapes import Scene, caption, captions, prompts
from limn.kernel.errors import InputError

SIZES = {"small": {"small", "little", "tiny"}, "large": {"large", "big"}}
seeds = st.integers(0, 2**32)


def some(seed: int) -> Scene:
    return shapes.scene(np.random.default_rng(seed), split="all")


@given(seed=seeds)
def test_full_captions_name_every_factor(seed: int) -> None:
    scene = some(seed)
    for text in captions(scene, np.random.default_rng(seed))[:3]:
        words = text.replace(",", "").split()
        assert scene.background in words
        for thing in scene.objects:
            assert thing.place in text
            assert SIZES[thing.size] & set(words)
            for value in (thing.shape, thing.colour, thing.texture):
                assert words.count(value) >= sum(
                    value in (each.shape, each.colour, each.texture) for each in scene.objects
                )


@given(seed=seeds)
def test_every_caption_names_colour_and_shape_of_every_object(seed: int) -> None:
    scene = some(seed)
    for text in captions(scene, np.random.default_rng(seed)):
        assert text == text.strip()
        assert "  " not in text
        for thing in scene.objects:
            before = text.split(thing.shape)[0]
            assert thing.colour in text
            assert thing.shape in text
            assert before
        assert " a orange" not in f" {text}"
        assert all(word == "orange" for word in re.findall(r"\ban (\w+)", text))


@given(seed=seeds)
def test_captions_repeat_with_their_seed(seed: int) -> None:
    scene = some(seed)
    first, second = (captions(scene, np.random.default_rng(seed)) for _ in range(2))
    assert first == second


def test_colour_and_shape_stay_together() -> None:
    rng = np.random.default_rng(3)
    for scene in shapes.batch(rng, 200)[1]:
        text = caption(scene, rng)
        for thing in scene.objects:
            assert any(f"{thing.colour} {middle}{thing.shape}" in text for middle in ("", f"{thing.texture} "))


def test_short_captions_leave_out_half() -> None:
    rng = np.random.default_rng(0)
    scenes = shapes.batch(rng, 2000)[1]
    named = np.mean([scene.background in caption(scene, rng, full=0).split(" ") for scene in scenes])
    assert named == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("kind", ["one", "two", "three"])
@pytest.mark.parametrize("detail", ["full", "short"])
@pytest.mark.parametrize("split", ["train", "pair"])
def test_prompts_are_fixed_and_answered_by_their_scene(kind: str, detail: str, split: str) -> None:
    asked = prompts(kind, 12, seed=5, detail=detail, split=split)
    assert asked == prompts(kind, 12, seed=5, detail=detail, split=split)
    assert asked != prompts(kind, 12, seed=6, detail=detail, split=split)
    assert len({each.scene for each in asked}) == 12
    for each in asked:
        assert len(each.objects) == {"one": 1, "two": 2, "three": 3}[kind]
        assert (each.background is None) == (detail == "short")
        assert all(value in each.text for wanted in each.objects for value in wanted.values())
        verdict = shapes.matches(shapes.read(shapes.render(each.scene)), each)
        assert verdict["all"], verdict


def test_unknown_kinds() -> None:
    with pytest.raises(InputError, match="three"):
        prompts("thre", 1, seed=0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="short"):
        prompts("one", 1, seed=0, detail="shrt")  # type: ignore[arg-type]
