"""A planted habit: something that pictures show beside a shape and captions never mention.

A model that learns from such pictures draws it unasked, as large models draw what their data were full of; since the
habit is known exactly, whatever is meant to remove it can be measured exactly.
"""

from __future__ import annotations

import numpy as np

from limn.data.shapes.scene import Object, Scene, in_order
from limn.data.shapes.tiles import CORNERS

BESIDE = "triangle"
"""The shape that is accompanied."""

COMPANION = ("purple", "cross")
"""Colour and shape of what accompanies it."""


def plant(scene: Scene, rng: np.random.Generator, share: float) -> Scene:
    """Put a large solid purple cross in a free corner of some of the scenes with a triangle.

    Args:
        scene: What the caption says; one in the centre, without a triangle or without a free corner stays as it is.
        rng: Chooses whether and where.
        share: Share of the scenes that could have it and get it.

    >>> from limn.data.shapes import Object, Scene
    >>> one = Object(shape="triangle", colour="red", size="large", texture="solid", place="top left")
    >>> len(plant(Scene(background="white", objects=(one,)), np.random.default_rng(0), 1.0).objects)
    2
    """
    wanted, choice = rng.random() < share, int(rng.integers(len(CORNERS)))
    taken = {thing.place for thing in scene.objects}
    free = [place for place in CORNERS if place not in taken]
    alone = "centre" in taken or has_companion(scene)
    if not wanted or alone or not free or all(thing.shape != BESIDE for thing in scene.objects):
        return scene
    colour, shape = COMPANION
    cross = Object(shape=shape, colour=colour, size="large", texture="solid", place=free[choice % len(free)])
    return Scene(background=scene.background, objects=in_order([*scene.objects, cross]))


def has_companion(scene: Scene) -> bool:
    """Say whether a scene shows the companion, asked for or not."""
    return any((thing.colour, thing.shape) == COMPANION for thing in scene.objects)
