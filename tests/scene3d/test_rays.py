from __future__ import annotations

import torch

from limn.scene3d.rays import bounds, cube, importance, stratified


def test_the_cube_is_entered_and_left_where_it_must_be() -> None:
    origins = torch.tensor([[0.0, 0, 3], [0, 0, 3], [0.5, 0.5, 0.5], [0, 5, 3]])
    straight, corner = torch.tensor([0.0, 0, -1]), torch.tensor([1.0, 1, 1]) / 3**0.5
    directions = torch.stack([straight, -straight, corner, straight])
    near, far = cube(origins, directions)
    torch.testing.assert_close(near, torch.tensor([2.0, 0, 0, near[3]]))
    torch.testing.assert_close(far - near, torch.tensor([2.0, 0, 0.5 * 3**0.5, 0]))


def test_one_sample_in_every_part() -> None:
    near, far = torch.tensor([1.0, 2]), torch.tensor([3.0, 2.5])
    for generator in (None, torch.Generator().manual_seed(0)):
        places = (stratified(near, far, 10, generator) - near[:, None]) / (far - near)[:, None] * 10
        assert (places.floor() == torch.arange(10.0)).all()
    ends = bounds(stratified(near, far, 10), near, far)
    torch.testing.assert_close(ends[:, 0], near)
    torch.testing.assert_close(ends[:, -1], far)


def test_importance_finds_a_spike() -> None:
    edges = torch.linspace(0, 1, 21).expand(2, -1)
    weights = torch.zeros(2, 20)
    weights[0, 13] = 1
    for generator in (None, torch.Generator().manual_seed(1)):
        drawn = importance(edges, weights, 64, generator)
        assert (drawn.diff() >= 0).all()
        inside = (drawn[0] >= 0.65) & (drawn[0] <= 0.7)
        assert inside.float().mean() > 0.95
        torch.testing.assert_close(
            drawn[1].mean(), torch.tensor(0.5), atol=0.05, rtol=0
        )  # nothing there: everywhere


def test_importance_follows_the_weights() -> None:
    edges, weights = torch.tensor([[0.0, 1, 3]]), torch.tensor([[3.0, 1.0]])
    drawn = importance(edges, weights, 4000, torch.Generator().manual_seed(0), floor=0)
    torch.testing.assert_close((drawn < 1).float().mean(), torch.tensor(0.75), atol=1e-3, rtol=0)
