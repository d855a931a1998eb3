"""Scenes: what can be drawn, how often, and the same again from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limn.data import shapes
from limn.data.shapes import Object, Scene
from limn.data.shapes.tiles import CORNERS, EMPTY, SHADE, coverage, describe_tile, tile_number, tiles
from limn.kernel.errors import InputError


def thing(**changed: str) -> Object:
    return Object(
        **{
            "shape": "square",
            "colour": "red",
            "size": "large",
            "texture": "solid",
            "place": "top left",
            **changed,
        }
    )


def test_a_square_covers_its_own_area() -> None:
    for size, half in (("small", 4.5), ("large", 7.0)):
        cover, dark = coverage("square", size, "solid")
        assert cover.sum() == pytest.approx((2 * 0.9 * half) ** 2, rel=0.03)
        assert dark.sum() == 0


def test_a_disc_and_a_ring_cover_their_areas() -> None:
    disc = coverage("circle", "large", "solid")[0].sum()
    assert disc == pytest.approx(np.pi * 49, rel=0.01)
    assert coverage("ring", "large", "solid")[0].sum() == pytest.approx(disc * (1 - 0.52**2), rel=0.01)


def test_textures_only_darken() -> None:
    for texture in ("striped", "dotted"):
        cover, dark = coverage("circle", "large", texture)
        assert np.array_equal(cover, coverage("circle", "large", "solid")[0])
        assert (dark <= cover).all()
        assert 0.2 < dark.sum() / cover.sum() < 0.55


def test_colours_are_drawn_as_named() -> None:
    picture = shapes.render(Scene(background="white", objects=(thing(),)))
    red = np.array(shapes.COLOURS["red"]) * 255
    assert np.abs(picture[8, 8] - red).max() <= 0.5
    assert np.abs(picture[30, 30] - np.array(shapes.BACKGROUNDS["white"]) * 255).max() <= 0.5
    dotted = shapes.render(Scene(background="white", objects=(thing(texture="dotted"),)))
    _, dark = coverage("square", "large", "dotted")
    assert np.abs(dotted[:16, :16][dark.argmax() // 16, dark.argmax() % 16] - red * SHADE).max() <= 16


def test_tile_numbers_are_a_bijection() -> None:
    words = [describe_tile(number) for number in range(EMPTY)]
    assert len(set(words)) == EMPTY
    assert [tile_number(colour, shape, size, texture) for colour, shape, size, texture in words] == list(
        range(EMPTY)
    )


def test_tiles_differ_enough_to_be_read() -> None:
    """No two tiles on one background are nearer than twice the noise they are to be read in."""
    for table in tiles():
        flat = table.reshape(len(table), -1) / 255
        squares = (flat**2).sum(1)
        apart = squares[:, None] + squares - 2 * flat @ flat.T + 9 * np.eye(len(flat))
        assert np.sqrt(apart.min()) > 0.9


@given(seed=st.integers(0, 2**32), count=st.sampled_from([(1,), (2,), (3,), (4,), (1, 2, 3)]))
@settings(max_examples=30)
def test_batch_equals_render(seed: int, count: tuple[int, ...]) -> None:
    pictures, scenes = shapes.batch(np.random.default_rng(seed), 8, objects=count, split="all")
    again, _ = shapes.batch(np.random.default_rng(seed), 8, objects=count, split="all")
    assert np.array_equal(pictures, again)
    for picture, scene in zip(pictures, scenes, strict=True):
        assert np.array_equal(picture, shapes.render(scene))
        assert len(scene.objects) in count
        assert len({(each.colour, each.shape) for each in scene.objects}) == len(scene.objects)


def test_train_and_held_out_pairs_are_apart() -> None:
    held = shapes.held_out_pairs()
    rng = np.random.default_rng(0)
    _, seen = shapes.batch(rng, 4000)
    _, unseen = shapes.batch(rng, 400, split="pair")
    shown = {(each.colour, each.shape) for scene in seen for each in scene.objects}
    assert not shown & held
    assert len(shown) == 64 - len(held)
    assert all(held & {(each.colour, each.shape) for each in scene.objects} for scene in unseen)
    for side in (0, 1):
        assert len({pair[side] for pair in held}) == len(held)


def test_every_factor_is_drawn_evenly() -> None:
    _, scenes = shapes.batch(np.random.default_rng(1), 6000, split="all")
    objects = [each for scene in scenes for each in scene.objects]
    for values, known in (
        ([scene.background for scene in scenes], list(shapes.BACKGROUNDS)),
        ([each.shape for each in objects], list(shapes.SHAPES)),
        ([each.colour for each in objects], list(shapes.COLOURS)),
        ([each.place for each in objects if each.place in CORNERS], list(CORNERS)),
    ):
        share = np.array([values.count(name) for name in known]) / len(values)
        # Five standard deviations of a share.
        assert np.abs(share - 1 / len(known)).max() < 5 * np.sqrt(1 / len(known) / len(values))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"shape": "sqare"}, "did you mean 'square'"),
        ({"colour": "blu"}, "did you mean 'blue'"),
        ({"size": "small", "texture": "dotted"}, "texture"),
    ],
)
def test_objects_that_cannot_be(changed: dict[str, str], word: str) -> None:
    with pytest.raises(InputError, match=word):
        thing(**changed)


@pytest.mark.parametrize(
    "objects",
    [(), (thing(), thing()), (thing(place="top right"), thing()), (thing(), thing(place="centre"))],
)
def test_scenes_that_cannot_be(objects: tuple[Object, ...]) -> None:
    with pytest.raises(InputError, match="objects"):
        Scene(background="white", objects=objects)


def test_bad_batches() -> None:
    rng = np.random.default_rng(0)
    for bad in ({"n": -1}, {"objects": ()}, {"objects": (5,)}, {"split": "test"}):
        with pytest.raises(InputError):
            shapes.batch(rng, **{"n": 1, **bad})
    assert shapes.batch(rng, 0)[0].shape == (0, 32, 32, 3)
