"""The planted habit is where it should be, as often as it should be, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from limn.data.shapes import batch, read, render
from limn.data.shapes.planted import BESIDE, has_companion, plant


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_only_scenes_with_the_shape_get_the_companion(share: float) -> None:
    _, scenes = batch(np.random.default_rng(0), 2000, objects=(1, 2, 3))
    rng = np.random.default_rng(1)
    could, got = 0, 0
    for scene in scenes:
        planted = plant(scene, rng, share)
        changed = planted != scene
        able = any(thing.shape == BESIDE for thing in scene.objects) and scene.objects[0].place != "centre"
        able = able and not has_companion(scene)
        assert not changed or able
        could, got = could + able, got + changed
        if changed:
            assert has_companion(planted)
            assert set(scene.objects) < set(planted.objects)
            assert len(planted.objects) == len(scene.objects) + 1
    assert could > 400
    assert got / could == pytest.approx(share, abs=0.08)


def test_the_reader_reads_planted_pictures() -> None:
    _, scenes = batch(np.random.default_rng(2), 60, objects=(2,))
    planted = [plant(scene, np.random.default_rng(3), 1.0) for scene in scenes]
    assert all(read(render(scene)).scene == scene for scene in planted)
