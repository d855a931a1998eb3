from __future__ import annotations

import numpy as np
import pytest

from limn.data.toys3d.solids import Solid, ball, box, column

EYE = np.array([0, 0, 4], np.float32)


def along(*points: tuple[float, float, float]) -> np.ndarray:
    away = np.array(points, np.float32) - EYE
    return away / np.linalg.norm(away, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("solid", "near"),
    [
        (box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)), 3.5),
        (ball((0, 0, 0), (1, 0.2, 0.6)), 3.4),
        (column((0, 0), -1, 1, 0.5, sides=4), 3.5),
        (column((0, 0), -1, 1, 0.75, 0.25, sides=4), 3.5),
    ],
)
def test_rays_meet_solids_where_they_are(solid: Solid, near: float) -> None:
    far, normal = solid.meet(EYE, along((0, 0, 0), (3, 0, 0)))
    np.testing.assert_allclose(far, [near, np.inf], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(normal[0]), 1, atol=1e-6)
    assert normal[0, 2] > 0.9
    centre, radius = solid.sphere
    assert np.linalg.norm(EYE + near * along((0, 0, 0))[0] - centre) <= radius + 1e-5


def test_a_cone_leans() -> None:
    _, normal = column((0, 0), -1, 1, 0.75, 0.25, sides=4).meet(EYE, along((0, 0, 0)))
    np.testing.assert_allclose(normal[0], np.array([0, 0.25, 1]) / np.hypot(1, 0.25), atol=1e-6)


def test_nothing_is_behind_the_eye() -> None:
    for solid in (box((-1, -1, 5), (1, 1, 6)), ball((0, 0, 6), (1, 1, 1))):
        assert np.isinf(solid.meet(EYE, along((0, 0, 0)))[0]).all()
