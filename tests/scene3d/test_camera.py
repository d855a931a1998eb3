from __future__ import annotations

import math

import numpy as np
import pytest

from limn.kernel.errors import InputError
from limn.scene3d.camera import Camera


def test_frame_is_orthonormal_and_the_middle_is_looked_at() -> None:
    for azimuth, elevation in [(0, 0), (30, 20), (211, -40), (90, 90)]:
        camera = Camera(azimuth=azimuth, elevation=elevation)
        np.testing.assert_allclose(camera.frame @ camera.frame.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(camera.frame), -1, atol=1e-12)  # right, up and forward: left-handed
        origins, along = camera.rays(3)
        np.testing.assert_allclose(origins[1, 1] + camera.distance * along[1, 1], 0, atol=1e-12)


def test_azimuth_zero_sees_the_face_and_right_is_right() -> None:
    np.testing.assert_allclose(Camera(azimuth=0, elevation=0, distance=3).eye, [0, 0, 3], atol=1e-12)
    np.testing.assert_allclose(Camera(azimuth=0, elevation=0).frame[:2], [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_pixels_to_rays_and_back() -> None:
    camera = Camera(azimuth=77, elevation=-13, distance=5, fov=40)
    origins, along = camera.rays(8)
    points = (origins + 4.2 * along).reshape(-1, 3)
    places, away = camera.project(points, 8)
    rows, columns = np.divmod(np.arange(64), 8)
    np.testing.assert_allclose(places, np.stack([columns, rows], -1) + 0.5, atol=1e-9)
    np.testing.assert_allclose(away, 4.2)


def test_turning_the_camera_is_turning_the_object_the_other_way() -> None:
    point, camera, angle = np.array([[0.3, 0.5, -0.2]]), Camera(azimuth=20), math.radians(35)
    turn = np.array([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    turned, back = camera.turned(35).project(point, 64)[0], camera.project(point @ turn, 64)[0]
    np.testing.assert_allclose(turned, back, atol=1e-9)


def test_text_and_back() -> None:
    camera = Camera(azimuth=12.5, elevation=-3, fov=20)
    assert Camera.parse(str(camera)) == camera
    assert Camera.parse("") == Camera()
    assert [view.azimuth for view in Camera(azimuth=300).around(4)] == [300, 30, 120, 210]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("azimut=3", "field of a camera.*azimuth"),
        ("azimuth", "not of the form azimuth=30"),
        ("elevation=95", "elevation must be from -90 to 90"),
        ("fov=nan", "fov must be"),
        ("azimuth=1,azimuth=2", "given twice"),
    ],
)
def test_wrong_cameras_are_told(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Camera.parse(text)
