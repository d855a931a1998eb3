from __future__ import annotations

import math

import torch
from torch import Tensor

from limn.scene3d.camera import Camera
from limn.scene3d.volume import composite, look

RED = torch.tensor([1.0, 0, 0])


def rays(size: int, camera: Camera) -> tuple[Tensor, Tensor]:
    return tuple(torch.from_numpy(part.copy()).float().reshape(1, -1, 3) for part in camera.rays(size))  # type: ignore[return-value]


def test_a_slab_of_constant_density() -> None:
    def slab(points: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full(points.shape[:-1], 0.7), RED.expand(*points.shape)

    for samples, generator in [(8, None), (64, torch.Generator().manual_seed(0))]:
        seen = look(slab, *rays(1, Camera(azimuth=0, elevation=0)), samples=samples, generator=generator)
        opacity = 1 - math.exp(-0.7 * 2)
        torch.testing.assert_close(seen.opacity, torch.tensor([[opacity]]))
        torch.testing.assert_close(seen.colour[0, 0], torch.tensor([1, 1 - opacity, 1 - opacity]))
    depth = 3 * opacity + (1 - math.exp(-1.4) * 2.4) / 0.7 + 5 * (1 - opacity)
    # The mean of 3 + t under 0.7 exp(-0.7 t) on [0, 2], and the end of the ray for the light that goes through.
    torch.testing.assert_close(seen.depth, torch.tensor([[depth]]), atol=0.02, rtol=0)


def test_shares_of_pieces_add_up_to_the_opacity() -> None:
    generator = torch.Generator().manual_seed(0)
    density, edges = torch.rand(5, 9, generator=generator) * 4, torch.linspace(0, 3, 10).expand(5, -1)
    seen, weights = composite(density, torch.rand(5, 9, 3, generator=generator), edges[:, :-1], edges)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), seen.opacity)
    torch.testing.assert_close(seen.opacity, 1 - torch.exp(-density.sum(-1) / 3))


def test_an_opaque_sphere_is_as_far_as_it_is() -> None:
    def sphere(points: Tensor) -> tuple[Tensor, Tensor]:
        inside = points.norm(dim=-1) < 0.8
        return inside * 1e4, RED.expand(*points.shape)

    camera = Camera(azimuth=50, elevation=35)
    origins, along = rays(24, camera)
    seen = look(sphere, origins, along, samples=128, finer=128)
    half = (origins * along).sum(-1)
    square = half**2 - (origins.square().sum(-1) - 0.64)
    hit, clear = square > 0.02, square < 0
    true = -half - square.clamp_min(0).sqrt()
    torch.testing.assert_close(seen.depth[hit], true[hit], atol=0.02, rtol=0)
    assert (seen.opacity[hit] > 0.999).all()
    assert (seen.opacity[clear] == 0).all()
    assert (seen.colour[clear] == 1).all(), "what is empty is white"


def test_gradients_agree_with_differences() -> None:
    def field(points: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        return (points * a[:3]).sin().sum(-1).square(), (points * a[3:]).sigmoid()

    values = torch.randn(6, dtype=torch.double, generator=torch.Generator().manual_seed(0)).requires_grad_()
    origins, along = (part.double() for part in rays(2, Camera()))
    assert torch.autograd.gradcheck(
        lambda a: look(lambda points: field(points, a), origins, along, samples=6).colour, values
    )
