"""A reader of poses, on toys whose cameras are known."""

from __future__ import annotations

import numpy as np
import pytest

from limn.data.toys3d.rendering import render
from limn.data.toys3d.toy import draw
from limn.kernel.errors import InputError
from limn.scene3d.camera import Camera
from limn.scene3d.pose import PoseReader, angles, directions, features


def _seen(things: int, views: int, seed: int = 0) -> tuple[np.ndarray, list[Camera], list[int]]:
    rng = np.random.default_rng(seed)
    pictures, cameras, names = [], [], []
    for thing in range(things):
        toy = draw(rng)
        for _ in range(views):
            camera = Camera(azimuth=float(rng.uniform(0, 360)), elevation=float(rng.uniform(0, 45)))
            pictures.append(render(toy, camera, 32).picture)
            cameras.append(camera)
            names.append(thing)
    return np.stack(pictures), cameras, names


def test_directions_are_where_cameras_stand() -> None:
    cameras = [Camera(azimuth=90, elevation=0), Camera(azimuth=0, elevation=90)]
    assert np.allclose(directions(cameras), [[1, 0, 0], [0, 1, 0]], atol=1e-9)
    assert np.allclose(angles(directions(cameras), directions(cameras[::-1])), 90)


def test_elevation_and_sides_are_read_on_other_things() -> None:
    reader = PoseReader.fit(*_seen(40, 6))
    pictures, cameras, _ = _seen(12, 6, seed=9)
    away = reader.away(pictures, cameras)
    by_chance = angles(np.roll(directions(cameras), 7, 0), directions(cameras))
    assert np.median(away) < 0.7 * np.median(by_chance)
    # what is told of its error is about what it errs by on things that it has not seen
    assert 0.5 < reader.error / np.median(away) < 2
    assert np.allclose(np.linalg.norm(reader.read(pictures), axis=1), 1)


def test_what_was_learned_from_is_read_better_than_it_says() -> None:
    pictures, cameras, things = _seen(20, 4)
    reader = PoseReader.fit(pictures, cameras, things)
    assert np.median(reader.away(pictures, cameras)) < reader.error


def test_features_do_not_depend_on_how_light_a_thing_is() -> None:
    pictures, _, _ = _seen(1, 1)
    darker = np.where(pictures.min(-1, keepdims=True) < 250, (pictures * 0.8).astype(np.uint8), pictures)
    assert np.abs(features(pictures) - features(darker)).mean() < 0.05
    assert np.array_equal(features(np.full((1, 32, 32, 3), 255, np.uint8)), np.zeros((1, 512)))


def test_too_few_things_are_refused() -> None:
    with pytest.raises(InputError, match="at least 5"):
        PoseReader.fit(*_seen(4, 2))
