"""Shapes scenes, drawn on the fly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from limn.data import shapes
from limn.data.shapes.hard_negatives import swapped, twin
from limn.data.shapes.planted import plant
from limn.train.batches import DrawnWorld

_FULL = 0.6  # share of captions that name everything
_SIZE = re.compile(r"\b(?:small|little|tiny|large|big)\b")
_TEXTURE = re.compile(rf"\b(?:{'|'.join(shapes.TEXTURES)})\b")
_PLACE = re.compile(rf"\b(?:{'|'.join(shapes.PLACES)})\b")
_GROUND = re.compile(r"\b(?:background|picture with)\b")


class Shapes(DrawnWorld):
    """Scenes of one to three shapes; pairs are scenes beside twins that differ in little."""

    shows = "coloured shapes that can be read back exactly"
    source = "shapes: procedural pictures with exact captions"

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[NDArray[np.uint8], Sequence[str]]:
        """Draw scenes with a caption each, some of them wrong or incomplete as the recipe says."""
        data = self.recipe.data
        pictures, scenes = shapes.batch(rng, rows)
        wrong = rng.random(rows) < data.exchanged if data.exchanged else np.zeros(rows, bool)
        named = [
            swapped(scene, "colour") if lie and len(scene.objects) > 1 else scene
            for scene, lie in zip(scenes, wrong, strict=True)
        ]
        if data.partial:
            named = [_some(scene, rng) if rng.random() < data.partial else scene for scene in named]
        captions = [shapes.caption(scene, rng, full=_FULL) for scene in named]
        if data.planted:
            pictures = np.stack([shapes.render(plant(scene, rng, data.planted)) for scene in scenes])
        return pictures, captions

    def draw_pairs(self, rng: np.random.Generator, rows: int) -> tuple[Tensor, Sequence[str], NDArray[np.bool_]]:
        """Draw scenes of all splits and their twins."""
        _, scenes = shapes.batch(rng, rows - rows // 2, split="all")
        scenes += [twin(scene, rng) for scene in scenes[: rows // 2]]
        pictures = np.stack([shapes.render(scene) for scene in scenes])
        captions = [shapes.caption(scene, rng, full=_FULL) for scene in scenes]
        return self.jittered(pictures, rng), captions, holds(captions, scenes)


def holds(captions: Sequence[str], scenes: Sequence[shapes.Scene]) -> NDArray[np.bool_]:
    """Say which captions are true of which scenes, (n, n); caption i was made from scene i."""
    true = np.eye(len(scenes), dtype=bool)
    same: dict[object, list[int]] = {}
    for place, scene in enumerate(scenes):
        same.setdefault(_facts(scene, ""), []).append(place)
    for places in same.values():
        for i in places:
            own = _facts(scenes[i], captions[i])
            for j in places:
                true[i, j] = _facts(scenes[j], captions[i]) == own
    return true


def _facts(scene: shapes.Scene, caption: str) -> object:
    """Return what a caption of this wording would say of a scene."""
    size, texture, place, ground = (bool(pattern.search(caption)) for pattern in (_SIZE, _TEXTURE, _PLACE, _GROUND))
    things = [
        (item.colour, item.shape, size and item.size, texture and item.texture, place and item.place)
        for item in scene.objects
    ]
    return frozenset(things), ground and scene.background


def _some(scene: shapes.Scene, rng: np.random.Generator) -> shapes.Scene:
    """Leave out some objects of a scene, never all."""
    count = len(scene.objects)
    kept = sorted(rng.choice(count, int(rng.integers(1, max(count, 2))), replace=False).tolist())
    return replace(scene, objects=tuple(scene.objects[place] for place in kept))
