from __future__ import annotations

import pytest
import torch

from limn.kernel.errors import WeightsError
from limn.scene3d.camera import Camera
from limn.scene3d.triplane import Triplane, TriplaneConfig, read

SMALL = {"channels": 2, "grid": 2, "widths": [16, 16], "features": 4, "hidden": 8, "samples": 6, "finer": 2}


def test_each_axis_moves_exactly_two_planes() -> None:
    planes = torch.randn(1, 3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    here = torch.tensor([[[0.1, -0.2, 0.3]]])
    for axis, moved in enumerate([(0, 1), (0, 2), (1, 2)]):  # x moves XY and XZ, and so on
        there = here.clone()
        there[..., axis] += 0.2
        alone = [torch.zeros_like(planes).index_copy_(1, torch.tensor([k]), planes[:, k : k + 1]) for k in range(3)]
        changed = [k for k in range(3) if not torch.equal(read(alone[k], here), read(alone[k], there))]
        assert tuple(changed) == moved
        total = sum(read(one, there) for one in alone)
        torch.testing.assert_close(read(planes, there), total)


def test_a_cell_is_read_where_it_lies() -> None:
    planes = torch.zeros(1, 3, 1, 4, 4)
    planes[0, 1, 0, 3, 0] = 1  # plane XZ, the cell of the largest z and the smallest x
    points = torch.tensor([[[-0.75, 0.4, 0.75], [0.75, 0.4, -0.75]]])
    assert read(planes, points).flatten().tolist() == [1, 0]


def network(**more: int) -> Triplane:
    torch.manual_seed(0)
    return Triplane.from_config({**SMALL, **more}).eval()


def test_all_of_an_object_learns_from_a_ray() -> None:
    net = network(objects=3)
    origins, along = (torch.from_numpy(part.copy()).float().view(1, -1, 3) for part in Camera().rays(4))
    seen = net.look(net.planes(net.raw(net.states()[:1])), origins, along)
    seen.colour.sum().backward()
    assert net.codes is not None
    assert net.codes.grad is not None
    assert net.codes.grad[0].abs().sum() > 0
    assert net.codes.grad[1:].abs().sum() == 0
    unmoved = [name for name, weight in net.named_parameters() if weight.grad is None]
    assert not unmoved


def test_views_of_objects_do_not_depend_on_each_other_or_on_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    net, codes = network(), torch.randn(3, 2, 2, 2)
    whole = net.view(net.planes(codes), Camera(), 6, 9)
    assert whole.colour.shape == (3, 6, 9, 3)
    assert whole.depth.shape == whole.opacity.shape == (3, 6, 9)
    monkeypatch.setattr("limn.scene3d.triplane._CHUNK", 64)
    alone = net.view(net.planes(codes[1:2]), Camera(), 6, 9)
    torch.testing.assert_close(alone.colour, whole.colour[1:2], atol=1e-5, rtol=1e-5)


def test_shapes_out_of_bounds_are_refused() -> None:
    assert TriplaneConfig().side == 32
    for wrong in ({"widths": [10]}, {"features": 0}, {"colour": 3}):
        with pytest.raises(WeightsError):
            Triplane.from_config(wrong)
