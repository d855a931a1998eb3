"""The reader answers exactly for every scene, stands noise and blur, and says when it cannot tell."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from limn.data import shapes
from limn.data.shapes import Object, Scene, matches, read, read_all, render
from limn.data.shapes.reader import FIELDS
from limn.data.shapes.tiles import VARIANTS
from limn.data.template_matching import MAX_RESIDUAL, UNREADABLE
from limn.kernel.errors import InputError


def damaged(seed: int, noise: float, count: int = 48) -> tuple[NDArray[np.float64], list[Scene]]:
    rng = np.random.default_rng(seed)
    pictures, scenes = shapes.batch(rng, count, objects=(1, 2, 3, 4), split="all")
    return pictures / 255 + rng.normal(0, noise, pictures.shape), scenes


def smooth(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blur by 0.7 pixels, wrapping at the edges where nothing but background lies."""
    for axis in (1, 2):
        pictures = pictures / 2 + (np.roll(pictures, 1, axis) + np.roll(pictures, -1, axis)) / 4
    return pictures


@pytest.mark.slow
@pytest.mark.parametrize("background", list(shapes.BACKGROUNDS))
def test_every_scene_of_one_object_is_read_exactly(background: str) -> None:
    scenes = [
        Scene(
            background=background,
            objects=(Object(shape=shape, colour=colour, size=size, texture=texture, place=place),),
        )
        for shape, colour, (size, texture), place in product(shapes.SHAPES, shapes.COLOURS, VARIANTS, shapes.PLACES)
    ]
    readings = read_all(np.stack([render(scene) for scene in scenes]))
    assert [reading.scene for reading in readings] == scenes
    assert min(reading.margin for reading in readings) > 0.98
    assert max(reading.residual for reading in readings) < 1e-3


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10)
def test_scenes_of_many_objects_are_read_exactly(seed: int) -> None:
    pictures, scenes = damaged(seed, 0.0, 16)
    readings = read_all(pictures)
    assert [reading.scene for reading in readings] == scenes
    assert min(reading.margin for reading in readings) > 0.98


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_noise_does_not_mislead(noise: float) -> None:
    pictures, scenes = damaged(1, noise, 200)
    told = [reading.scene for reading in read_all(pictures)]
    assert np.mean([a == b for a, b in zip(told, scenes, strict=True)]) >= 0.98
    assert all(a in (None, b) for a, b in zip(told, scenes, strict=True))


def test_blur_does_not_mislead() -> None:
    pictures, scenes = damaged(2, 0.0, 100)
    readings = read_all(smooth(pictures))
    assert [reading.scene for reading in readings] == scenes


def test_a_colour_shift_does_not_mislead() -> None:
    pictures, scenes = damaged(3, 0.0, 100)
    shift = np.random.default_rng(0).uniform(-0.05, 0.05, (100, 1, 1, 3))
    assert [reading.scene for reading in read_all(pictures + shift)] == scenes


def test_margin_falls_with_noise_on_average() -> None:
    margins = [np.mean([r.margin for r in read_all(damaged(4, noise)[0])]) for noise in (0, 0.05, 0.1, 0.2)]
    assert margins == sorted(margins, reverse=True)
    assert margins[0] - margins[-1] > 0.1


def test_the_margin_is_the_way_to_the_rival() -> None:
    """On the way from a red circle to a blue one, the colour's margin goes from 1 to 0 as 1 - 2t."""
    scene = shapes.prompts("one", 1, seed=0)[0].scene
    red, blue = (replace(scene, objects=(replace(scene.objects[0], colour=c),)) for c in ("red", "blue"))
    ends = [render(each) / 255 for each in (red, blue)]
    for t in (0.1, 0.2, 0.3):
        seen = read((1 - t) * ends[0] + t * ends[1]).objects[0]
        assert seen.margins["colour"] <= 1 - 2 * t + 0.01
    assert read(ends[0] * 0.5 + ends[1] * 0.5).objects[0].colour in (UNREADABLE, "purple")


def test_noise_and_blank_pictures_are_unreadable() -> None:
    rng = np.random.default_rng(0)
    for reading in read_all(rng.random((20, 32, 32, 3))):
        assert reading.scene is None
        assert not reading.countable
        assert reading.residual > MAX_RESIDUAL
        assert all(getattr(seen, field) == UNREADABLE for seen in reading.objects for field in FIELDS)
    for name, colour in shapes.BACKGROUNDS.items():
        blank = read(np.ones((32, 32, 3)) * colour)
        assert blank.objects == ()
        assert blank.background == name
        assert not blank.countable
        assert blank.scene is None


def test_one_spoilt_quarter_does_not_spoil_the_others() -> None:
    scene = shapes.prompts("two", 1, seed=1)[0].scene
    free = next(place for place in ("top left", "bottom right") if place not in [o.place for o in scene.objects])
    picture = render(scene)
    row, column = shapes.PLACES[free]
    picture[row : row + 16, column : column + 16] = np.random.default_rng(0).integers(0, 256, (16, 16, 3))
    reading = read(picture)
    assert reading.scene is None
    assert not matches(reading, scene)["count"]
    kept = [seen for seen in reading.objects if seen.place != UNREADABLE]
    assert [{f: getattr(seen, f) for f in FIELDS} for seen in kept] == [
        {f: getattr(each, f) for f in FIELDS} for each in scene.objects
    ]


def test_matches_names_what_is_wrong() -> None:
    scene = shapes.prompts("two", 1, seed=2)[0].scene
    reading = read(render(scene))
    assert all(matches(reading, scene).values())
    first = scene.objects[0]
    other = "red" if first.colour != "red" else "blue"
    recoloured = replace(scene, objects=(replace(first, colour=other), *scene.objects[1:]))
    verdict = matches(read(render(recoloured)), scene)
    assert [name for name, right in verdict.items() if not right] == ["colour", "all"]
    fewer = replace(scene, objects=scene.objects[:1])
    verdict = matches(read(render(fewer)), scene)
    assert not verdict["count"]
    assert not verdict["shape"]
    assert verdict["background"]
    ground = "black" if scene.background != "black" else "white"
    verdict = matches(reading, replace(scene, background=ground))
    assert [name for name, right in verdict.items() if not right] == ["background", "all"]


def test_swapped_colours_are_caught() -> None:
    """A picture with the right colours on the wrong objects does not count as right."""
    asked = next(each for each in shapes.prompts("two", 50, seed=3, detail="short"))
    one, two = asked.scene.objects
    swapped = replace(asked.scene, objects=(replace(one, colour=two.colour), replace(two, colour=one.colour)))
    assert one.colour != two.colour
    assert not matches(read(render(swapped)), asked)["all"]


def test_bad_pictures() -> None:
    good = np.zeros((1, 32, 32, 3))
    for bad in (good[0], good[..., :1], good.astype(np.int32), np.full_like(good, np.nan)):
        with pytest.raises(InputError, match="pictures"):
            read_all(bad)
    assert read_all(good[:0]) == []
