"""Scenes of the same words in another order: what tells a reader of sentences from a reader of lists of words."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np

from limn.data.shapes.scene import Scene, in_order
from limn.data.shapes.tiles import BACKGROUNDS, PLACES, VARIANTS

T = TypeVar("T")

Swap = Literal["colour", "shape", "place"]
"""What two objects can exchange."""


def swapped(scene: Scene, what: Swap, first: int = 0, second: int = 1) -> Scene:
    """Let two objects of a scene exchange their colours, shapes or places.

    >>> from limn.data.shapes import caption, prompts
    >>> caption(swapped(prompts("two", 1, seed=4)[0].scene, "colour"))[:70]
    'a large solid purple circle at the top right and a large solid pink ci'
    """
    things = list(scene.objects)
    a, b = things[first], things[second]
    things[first] = replace(a, **{what: getattr(b, what)})
    things[second] = replace(b, **{what: getattr(a, what)})
    return replace(scene, objects=in_order(things))


def twin(scene: Scene, rng: np.random.Generator) -> Scene:
    """Return a scene that differs in little: two objects exchange something, or a single one changes.

    Args:
        scene: Any scene.
        rng: Chooses what changes.
    """
    count = len(scene.objects)
    if count > 1:
        first, second = rng.choice(count, 2, replace=False).tolist()
        for what in rng.permutation(["colour", "shape", "place"]).tolist():
            changed = swapped(scene, what, first, second)
            if changed != scene:
                return changed
    (thing, *others), turn = scene.objects, int(rng.integers(3))
    if turn == 0:
        ground = _other(list(BACKGROUNDS), scene.background, rng)
        return replace(scene, background=ground)
    if turn == 1 and not others:
        return replace(scene, objects=(replace(thing, place=_other(list(PLACES), thing.place, rng)),))
    size, texture = _other(list(VARIANTS), (thing.size, thing.texture), rng)
    return replace(scene, objects=(replace(thing, size=size, texture=texture), *others))


def _other(values: list[T], now: T, rng: np.random.Generator) -> T:
    left = [value for value in values if value != now]
    return left[int(rng.integers(len(left)))]
