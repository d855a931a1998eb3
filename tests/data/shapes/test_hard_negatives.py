from __future__ import annotations

import numpy as np
import pytest

from limn.data.shapes import Scene, batch, prompts, read, render
from limn.data.shapes.hard_negatives import Swap, swapped, twin


@pytest.mark.parametrize("what", ["colour", "shape", "place"])
def test_a_swap_is_its_own_inverse_and_leaves_the_rest(what: Swap) -> None:
    for asked in prompts("three", 20, seed=1):
        scene = asked.scene
        once = swapped(scene, what, 0, 2)
        assert once.background == scene.background
        assert sorted(getattr(each, what) for each in once.objects) == sorted(
            getattr(each, what) for each in scene.objects
        )
        first, second = (
            (0, 2) if what != "place" else tuple(once.objects.index(self_) for self_ in _moved(scene, once))
        )
        assert swapped(once, what, first, second) == scene


def _moved(scene: Scene, once: Scene) -> list[object]:
    return [each for each in once.objects if each not in scene.objects]


def test_a_twin_is_another_scene_with_as_many_objects_and_can_be_drawn() -> None:
    rng = np.random.default_rng(0)
    _, scenes = batch(rng, 60, split="all")
    for scene in scenes:
        other = twin(scene, rng)
        assert other != scene
        assert len(other.objects) == len(scene.objects)
        assert read(render(other)).scene == other
