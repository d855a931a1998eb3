from __future__ import annotations

import torch

import toys3d_models
from limn.codecs.scenes import Scenes
from limn.kernel.codec import posed, solid
from limn.scene3d.camera import Camera
from limn.scene3d.triplane import Triplane, signed


def codec() -> Scenes:
    torch.manual_seed(0)
    return Scenes(Triplane.from_config(toys3d_models.TRIPLANE).eval().requires_grad_(False))


def test_views_stand_side_by_side() -> None:
    scenes, state = codec(), torch.randn(2, 4, 2, 2)
    looking = posed(scenes, "azimuth=10,elevation=5", 5, (16, 24))
    assert isinstance(looking, Scenes)
    picture = looking.decode(state)
    assert picture.shape == (2, 3, 32, 96)
    planes = scenes.triplane.planes(scenes.triplane.raw(state))
    fifth = scenes.triplane.view(planes, Camera(azimuth=298, elevation=5), 16, 24)
    torch.testing.assert_close(picture[:, :, 16:, :24], signed(fifth.colour))
    assert (picture[:, :, 16:, 24:] == 1).all()
    assert solid(scenes)


def test_without_more_said_it_is_the_usual_view() -> None:
    scenes, state = codec(), torch.randn(1, 4, 2, 2)
    assert scenes.shape(64, 64) == (4, 2, 2)
    torch.testing.assert_close(scenes.decode(state), scenes.triplane.decode(state))


def test_an_object_is_found_from_its_picture() -> None:
    scenes, state = codec(), torch.randn(1, 4, 2, 2)
    scenes.triplane.unfold[-1].weight.mul_(20)
    picture = scenes.decode(state)
    found = scenes.triplane.found(picture[:, None], [Camera()], steps=60, starts=2)
    error, nothing = ((scenes.decode(code) - picture).square().mean() for code in (found, torch.zeros_like(found)))
    assert error < 0.7 * nothing
    assert torch.equal(found, scenes.triplane.found(picture[:, None], [Camera()], steps=60, starts=2))


def test_gradients_pass_through_pictures() -> None:
    scenes, state = codec(), torch.randn(1, 4, 2, 2, requires_grad=True)
    scenes.decode(state).sum().backward()
    assert state.grad is not None
    assert state.grad.abs().sum() > 0
