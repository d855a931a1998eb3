"""Draw shapes scenes: sample what is in a picture, and render it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limn.data.shapes.tiles import (
    BACKGROUNDS,
    CELL,
    COLOURS,
    CORNERS,
    EMPTY,
    PICTURE,
    PLACES,
    SHAPES,
    SIZES,
    TEXTURES,
    VARIANTS,
    describe_tile,
    tile_number,
    tiles,
)
from limn.kernel.errors import InputError, unknown_name

Split = Literal["train", "pair", "all"]
"""Which scenes may come: none with a held-out (colour, shape) pair, all with one, or any."""

Codes = tuple[NDArray[np.int64], NDArray[np.int64]]  # background (n,), tile of each place (n, 5)


_VALUES: Mapping[str, Collection[str]] = {
    "shape": SHAPES,
    "colour": COLOURS,
    "size": SIZES,
    "texture": TEXTURES,
    "place": PLACES,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Object:
    """One object of a scene; a small one is always solid."""

    shape: str
    colour: str
    size: str
    texture: str
    place: str

    def __post_init__(self) -> None:
        for name, values in _VALUES.items():
            if getattr(self, name) not in values:
                raise unknown_name(name, getattr(self, name), values)
        if (self.size, self.texture) not in VARIANTS:
            raise InputError(f"texture: a small object cannot be {self.texture}; use 'solid' or size 'large'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A background and one to four objects in the order of PLACES; one in the centre stands alone."""

    background: str
    objects: tuple[Object, ...]

    def __post_init__(self) -> None:
        if self.background not in BACKGROUNDS:
            raise unknown_name("background", self.background, BACKGROUNDS)
        places = [thing.place for thing in self.objects]
        if places != [place for place in PLACES if place in places] or not places:
            raise InputError("objects: give at least one, each in a place of its own, in the order of PLACES")
        if "centre" in places and len(places) > 1:
            raise InputError("objects: one in the centre stands alone; use the corners for several")


def in_order(things: Iterable[Object]) -> tuple[Object, ...]:
    """Return objects in the order of PLACES, as a scene has them."""
    return tuple(sorted(things, key=lambda thing: list(PLACES).index(thing.place)))


@cache
def held_out_pairs() -> frozenset[tuple[str, str]]:
    """The (colour, shape) pairs that training never shows: 6 of 64, no colour or shape in two of them.

    >>> len(held_out_pairs())
    6
    """
    return frozenset(
        (colour, shape)
        for c, colour in enumerate(COLOURS)
        for s, shape in enumerate(SHAPES)
        if (3 * c + s) % 8 == 3 and c < 6
    )


@cache
def _pairs(split: Split) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs for the first object drawn, and for the others, as colour * shapes + shape."""
    held = held_out_pairs()
    flags = np.array([(colour, shape) in held for colour in COLOURS for shape in SHAPES])
    every, train = np.arange(flags.size), np.flatnonzero(~flags)
    return {"train": (train, train), "pair": (np.flatnonzero(flags), every), "all": (every, every)}[split]


def _draw(rng: np.random.Generator, n: int, objects: tuple[int, ...], split: Split) -> Codes:
    """Sample scenes as numbers. No two objects of a picture share both colour and shape."""
    first, others = _pairs(split)
    count = np.asarray(objects)[rng.integers(len(objects), size=n)]
    lead = first[rng.integers(first.size, size=n)]
    follow = np.argsort(rng.random((n, others.size)) + (others == lead[:, None]), axis=1)[:, :3]
    pairs = np.concatenate([lead[:, None], others[follow]], axis=1)
    variant = rng.choice(len(VARIANTS), p=(0.4, 0.2, 0.2, 0.2), size=(n, 4))
    corner = np.argsort(rng.random((n, len(CORNERS))), axis=1)
    corner[(count == 1) & (rng.random(n) < 1 / len(PLACES)), 0] = len(CORNERS)
    places = np.full((n, len(PLACES)), EMPTY)
    shown = np.arange(4) < count[:, None]
    rows = np.broadcast_to(np.arange(n)[:, None], shown.shape)
    places[rows[shown], corner[shown]] = (pairs * len(VARIANTS) + variant)[shown]
    return rng.integers(len(BACKGROUNDS), size=n), places


def _paint(codes: Codes) -> NDArray[np.uint8]:
    """Lay the tiles side by side."""
    ground, places = codes
    table = tiles()
    picture = np.empty((ground.size, PICTURE, PICTURE, 3), np.uint8)
    for k, (row, column) in enumerate(CORNERS.values()):
        picture[:, row : row + CELL, column : column + CELL] = table[ground, places[:, k]]
    alone = np.flatnonzero(places[:, -1] != EMPTY)
    row, column = PLACES["centre"]
    picture[alone, row : row + CELL, column : column + CELL] = table[ground[alone], places[alone, -1]]
    return picture


def _scenes(codes: Codes) -> list[Scene]:
    """Put the numbers into words."""
    grounds, places = tuple(BACKGROUNDS), tuple(PLACES)
    scenes = []
    for ground, row in zip(codes[0].tolist(), codes[1].tolist(), strict=True):
        objects = []
        for place, number in zip(places, row, strict=True):
            if number != EMPTY:
                colour, shape, size, texture = describe_tile(number)
                objects.append(Object(shape=shape, colour=colour, size=size, texture=texture, place=place))
        scenes.append(Scene(background=grounds[ground], objects=tuple(objects)))
    return scenes


def render(scene: Scene) -> NDArray[np.uint8]:
    """Draw a scene.

    Args:
        scene: What to draw.

    Returns:
        RGB picture, uint8 of shape (32, 32, 3).
    """
    places = np.full((1, len(PLACES)), EMPTY)
    for thing in scene.objects:
        number = tile_number(thing.colour, thing.shape, thing.size, thing.texture)
        places[0, list(PLACES).index(thing.place)] = number
    return np.asarray(_paint((np.array([list(BACKGROUNDS).index(scene.background)]), places))[0])


def batch(
    rng: np.random.Generator, n: int, *, objects: tuple[int, ...] = (1, 2, 3), split: Split = "train"
) -> tuple[NDArray[np.uint8], list[Scene]]:
    """Draw n random scenes at once.

    Args:
        rng: Source of all randomness.
        n: How many pictures.
        objects: Object counts to choose from, 1 to 4 each.
        split: "train" shows no held-out (colour, shape) pair, "pair" always one, "all" does not care.

    Returns:
        Pictures, uint8 of shape (n, 32, 32, 3), and their scenes.

    Raises:
        InputError: n, objects or split cannot be used.
    """
    if split not in ("train", "pair", "all"):
        raise unknown_name("split", split, ("train", "pair", "all"))
    if not objects or not all(1 <= count <= len(CORNERS) for count in objects):
        raise InputError(f"objects: counts must be 1 to {len(CORNERS)}, got {objects}")
    if n < 0:
        raise InputError(f"n: must be 0 or more, got {n}")
    codes = _draw(rng, n, objects, split)
    return _paint(codes), _scenes(codes)


def scene(rng: np.random.Generator, *, objects: tuple[int, ...] = (1, 2, 3), split: Split = "train") -> Scene:
    """Sample one scene; the arguments are those of batch.

    >>> scene(np.random.default_rng(0)) == scene(np.random.default_rng(0))
    True
    """
    return batch(rng, 1, objects=objects, split=split)[1][0]
