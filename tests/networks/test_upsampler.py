from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from limn.kernel.errors import WeightsError
from limn.networks.shipped import WEIGHTS
from limn.networks.upsampler import CONFIG, Upsampler, UpsamplerConfig
from limn.networks.weights import write_tensors

SMALL = {"factor": 4, "width": 8, "blocks": 2}


@pytest.fixture
def trained() -> Upsampler:
    """A network that does more than its bicubic part."""
    torch.manual_seed(0)
    network = Upsampler.from_config(SMALL)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_an_untrained_network_is_the_bicubic_enlargement(factor: int) -> None:
    network, x = Upsampler.from_config({**SMALL, "factor": factor}), torch.rand(2, 3, 7, 10) * 2 - 1
    plain = F.interpolate(x, scale_factor=factor, mode="bicubic", align_corners=False)
    assert torch.equal(network(x), plain)
    assert network(x).shape == (2, 3, 7 * factor, 10 * factor)


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (16, 3)])
def test_any_size_is_enlarged_and_pictures_do_not_mix(trained: Upsampler, size: tuple[int, int]) -> None:
    x = torch.rand(3, 3, *size) * 2 - 1
    together = trained(x)
    assert together.shape == (3, 3, 4 * size[0], 4 * size[1])
    assert together.dtype == torch.float32
    for row in range(3):
        assert torch.allclose(trained(x[row : row + 1])[0], together[row], atol=1e-5)


def test_nothing_beyond_the_reach_changes_an_answer(trained: Upsampler) -> None:
    x = torch.rand(1, 3, 40, 40) * 2 - 1
    other, reach = x.clone(), trained.config.reach
    other[..., 20] = -other[..., 20]
    changed = (trained(x) != trained(other)).any(1).any(1)[0]
    assert not changed[: (20 - reach) * 4].any()
    assert not changed[(20 + reach + 1) * 4 :].any()
    assert changed[20 * 4 : 21 * 4].all()


def test_every_weight_learns_after_the_first_step() -> None:
    torch.manual_seed(0)
    network, x = Upsampler.from_config(SMALL), torch.rand(2, 3, 8, 8)
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    for _ in range(3):
        optimiser.zero_grad()
        (network(x) - torch.rand(2, 3, 32, 32)).square().mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert all(bool(each.grad is not None and each.grad.any()) for each in network.parameters())


@pytest.mark.parametrize("wrong", [{"factor": 1}, {"factor": 9}, {"width": 0}, {"blocks": 65}, {"depth": 3}])
def test_what_is_out_of_bounds_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(WeightsError, match=next(iter(wrong))):
        Upsampler.from_config({**SMALL, **wrong})


def test_a_folder_gives_the_network_back(trained: Upsampler, tmp_path: Path) -> None:
    write_tensors(tmp_path / WEIGHTS, dict(trained.state_dict()))
    (tmp_path / CONFIG).write_text(json.dumps(asdict(trained.config)))
    found, x = Upsampler.load(tmp_path), torch.rand(1, 3, 6, 6)
    assert torch.equal(found(x), trained(x))
    assert not any(each.requires_grad for each in found.parameters())
    (tmp_path / CONFIG).write_text(json.dumps({**SMALL, "width": 16}))
    with pytest.raises(WeightsError, match="shape"):
        Upsampler.load(tmp_path)


def test_it_is_small() -> None:
    assert sum(each.numel() for each in Upsampler(UpsamplerConfig()).parameters()) <= 350_000
