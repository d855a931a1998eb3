"""Another look for all objects, on a decoder with small random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import toys3d_models
from limn.kernel.errors import InputError
from limn.scene3d.adapting import Tuning, Views, adapted, along, towards
from limn.scene3d.camera import Camera
from limn.scene3d.triplane import Triplane


@pytest.fixture
def source() -> Triplane:
    torch.manual_seed(0)
    network = Triplane.from_config(toys3d_models.TRIPLANE)
    for parameter in network.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return network.eval().requires_grad_(False)


def views(colour: tuple[int, int, int] = (200, 30, 30)) -> Views:
    pictures = np.full((4, 32, 32, 3), 255, np.uint8)
    pictures[:, 8:24, 8:24] = colour
    return Views(
        codes=torch.randn(2, 4, 2, 2, generator=torch.Generator().manual_seed(1)), pictures=pictures,
        objects=[0, 0, 1, 1], cameras=[Camera(azimuth=90 * k) for k in range(4)],
    )  # fmt: skip


def test_the_decoder_learns_pictures_and_the_source_stays_to_the_bit(source) -> None:
    before = {name: value.clone() for name, value in source.state_dict().items()}
    tuning = Tuning(steps=60, lr=0.01, batch=4, rays=64)
    losses, last = [], source
    for _, loss, network in adapted(source, towards(views(), tuning), tuning):
        losses.append(loss)
        last = network
    assert len(losses) == 60
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in before.items())
    assert all(torch.equal(last.state_dict()[name], before[name]) for name in ("mean", "std"))
    assert not any(weight.requires_grad for weight in last.parameters())


def test_the_same_seed_gives_the_same_decoder(source) -> None:
    tuning = Tuning(steps=3, batch=2, rays=16)
    ends = [[*adapted(source, towards(views(), tuning), tuning, seed)][-1] for seed in (0, 0, 1)]
    assert ends[0][1] == ends[1][1] != ends[2][1]


def test_density_regularisation_makes_densities_even(source) -> None:
    rough = []
    for smooth in (0.0, 3.0):
        tuning = Tuning(steps=40, lr=0.01, batch=4, rays=64, smooth=smooth)
        network = [*adapted(source, towards(views(), tuning), tuning)][-1][2]
        points = torch.rand(1, 2000, 3, generator=torch.Generator().manual_seed(3)) * 2 - 1
        with torch.no_grad():
            planes = network.planes(network.raw(views().codes[:1]))
            near, far = (network.field(planes, points + step)[0] for step in (0.0, 0.03))
        rough.append(float((near - far).abs().mean()))
    assert rough[1] < 0.7 * rough[0]


@pytest.mark.slow
def test_a_loss_of_directions_moves_pictures_along_one(source) -> None:
    def embed(pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean((2, 3))  # the mean colour is the whole space

    tuning, way = Tuning(steps=100, lr=0.02, batch=4, smooth=0), torch.tensor([0.0, -1.0, -1.0])
    network = [*adapted(source, along(views().codes, source, embed, way, tuning), tuning)][-1][2]
    with torch.no_grad():
        change = (network.decode(views().codes) - source.decode(views().codes)).mean((0, 2, 3))
    assert torch.cosine_similarity(change, way, dim=0) > 0.7  # it began at random


def test_options_out_of_bounds_are_refused() -> None:
    with pytest.raises(InputError, match="steps must be from 1"):
        Tuning(steps=0)
