from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limn.data.picture_set import PictureSet
from limn.data.scenes import Scenes, Thing, relations
from limn.kernel.errors import DataError


@pytest.fixture(scope="module")
def scenes(sample: PictureSet) -> Scenes:
    return Scenes(sample.where(split="train"))


def box(left: int, top: int, width: int = 10, height: int = 10) -> Thing:
    return Thing(key="", label="", size="small", left=left, top=top, width=width, height=height)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), count=st.sampled_from([None, 2, 3]))
def test_the_ground_truth_is_what_is_drawn(scenes: Scenes, seed: int, count: int | None) -> None:
    scene = scenes.draw(np.random.default_rng(seed), count=count)
    things = [Thing(**thing) for thing in scene.attributes["things"]]
    assert len(things) == (count or len(things))
    assert len({thing.label for thing in things}) == len(things)
    outside = scene.picture[..., 3].copy()
    for thing in things:
        assert thing.left >= 0
        assert thing.top >= 0
        inside = np.s_[thing.top : thing.top + thing.height, thing.left : thing.left + thing.width]
        assert scene.picture[inside].shape[:2] == (thing.height, thing.width)
        assert (scene.picture[inside][..., 3] > 31).mean() > 0.1
        outside[inside] = 0
    assert outside.max() == 0
    assert scene.attributes["relations"] == relations(things)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_captions_tell_the_relations_of_the_boxes(scenes: Scenes, seed: int) -> None:
    scene = scenes.draw(np.random.default_rng(seed))
    found, layout = scene.attributes["relations"], scene.attributes["layout"]
    count = len(scene.attributes["things"])
    wanted = {"row": "left of", "column": "above"}
    if layout in wanted:
        assert all((a, wanted[layout], b) in found for a, b in itertools.combinations(range(count), 2))
    else:
        assert {(0, "left of", 1), (0, "above", 2), (1, "above", 2)} <= set(found)
    assert len(scene.captions) == 4
    for caption in scene.captions:
        if "left of" in caption and count == 2:
            assert layout == "row"


def test_big_and_small_are_told_and_true(scenes: Scenes) -> None:
    rng = np.random.default_rng(0)
    seen = told = 0
    for scene in itertools.islice(scenes.stream(rng), 100):
        sizes = [thing["size"] for thing in scene.attributes["things"]]
        if set(sizes) == {"big", "small"}:
            seen += 1
            long = [max(thing["width"], thing["height"]) for thing in scene.attributes["things"]]
            assert long[sizes.index("big")] > long[sizes.index("small")]
            told += any("big" in caption and "small" in caption for caption in scene.captions)
    assert seen > 10
    assert told > 0.6 * seen  # English has no place for the word in "the sun" or "two raised hands"


def test_a_scene_depends_on_its_generator_alone(scenes: Scenes) -> None:
    first, second = (scenes.draw(np.random.default_rng(7)) for _ in range(2))
    assert first.key == second.key
    assert first.captions == second.captions
    assert (first.picture == second.picture).all()
    assert first.key != scenes.draw(np.random.default_rng(8)).key


def test_things_are_of_one_style_and_the_style_is_told(scenes: Scenes) -> None:
    words = {"3d": "3d", "noto": "Noto", "twemoji": "Twemoji", "flat": "flat"}
    for scene in itertools.islice(scenes.stream(np.random.default_rng(1)), 30):
        style = scene.attributes["style"]
        assert {thing["key"].split("/")[0] for thing in scene.attributes["things"]} == {style}
        assert sum(words[style] in caption for caption in scene.captions) >= 2


def test_another_size_of_canvas(sample: PictureSet) -> None:
    scene = Scenes(sample, size=96).draw(np.random.default_rng(0))
    assert scene.picture.shape == (96, 96, 4)


def test_too_few_things_are_refused(sample: PictureSet) -> None:
    with pytest.raises(DataError, match="three different"):
        Scenes(sample.where(label="red heart"))


def test_relations_need_boxes_that_are_apart() -> None:
    assert relations([box(0, 0), box(10, 20)]) == [(0, "left of", 1), (0, "above", 1)]
    assert relations([box(0, 0), box(9, 9)]) == []
