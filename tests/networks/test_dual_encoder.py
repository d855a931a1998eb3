from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import Tensor

from limn.kernel.errors import InputError, WeightsError
from limn.networks.dual_encoder import CONFIG, DualEncoder, DualEncoderConfig
from limn.networks.shipped import WEIGHTS
from limn.networks.weights import write_tensors

SMALL = {"size": 32, "widths": [16, 32], "blocks": [1, 1], "width": 16, "heads": 2, "depth": 1, "out": 24}


def small(**changes: object) -> DualEncoder:
    torch.manual_seed(0)
    network = DualEncoder.from_config({**SMALL, **changes}).eval()
    with torch.no_grad():
        for each in network.parameters():
            if each.ndim > 1:  # no path is silent
                each.copy_(torch.randn(each.shape) / each[0].numel() ** 0.5)
    return network


def write(network: DualEncoder, folder: Path) -> None:
    write_tensors(folder / WEIGHTS, {name: each.half() for name, each in network.state_dict().items()})
    (folder / CONFIG).write_text(json.dumps(asdict(network.config)))


def words(rows: int, count: int) -> tuple[Tensor, Tensor]:
    lengths = torch.arange(rows) % count + 1
    return torch.randn(rows, count, 128), torch.arange(count) < lengths[:, None]


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 3), (48, 16)])
def test_answers_are_unit_vectors_at_any_size(size: int, channels: int) -> None:
    network = small(channels=channels)
    images, texts = network.images(torch.rand(5, channels, size, size) * 2 - 1), network.texts(*words(5, 7))
    for found in (images, texts):
        assert found.shape == (5, 24)
        assert torch.allclose(found.norm(dim=1), torch.ones(5), atol=1e-6)
    assert images.std(0).max() > 1e-3


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    network, x, (tokens, mask) = small(), torch.randn(6, 3, 32, 32), words(6, 9)
    assert torch.allclose(network.images(x)[2:3], network.images(x[2:3]), atol=1e-5)
    assert torch.allclose(network.texts(tokens, mask)[2:3], network.texts(tokens[2:3], mask[2:3]), atol=1e-5)


@pytest.mark.parametrize("near", [0, 5])
def test_padding_plays_no_part_and_words_do(near: int) -> None:
    network, (tokens, mask) = small(near=near), words(4, 5)
    once = network.texts(tokens, mask)
    other = torch.where(mask[..., None], tokens, 100 * torch.randn(tokens.shape))
    longer = torch.cat([other, torch.randn(4, 3, 128)], 1)
    assert torch.allclose(once, network.texts(longer, torch.nn.functional.pad(mask, (0, 3))), atol=1e-5)
    assert not torch.allclose(once[3:], network.texts(tokens[3:].flip(1), mask[3:]), atol=1e-2)


def test_texts_are_read_up_to_the_limit() -> None:
    network, tokens = small(text_limit=3), torch.randn(2, 8, 128)
    mask = torch.ones(2, 8, dtype=torch.bool)
    assert torch.equal(network.texts(tokens, mask), network.texts(tokens[:, :3], mask[:, :3]))


def test_a_noisy_encoder_is_told_the_noise_level() -> None:
    network, x = small(noisy=True), torch.randn(2, 3, 32, 32)
    zero, one = network.images(x, torch.zeros(2)), network.images(x, torch.ones(2))
    assert zero.isfinite().all()
    assert torch.equal(network.images(x), zero)
    assert not torch.allclose(zero, one, atol=1e-3)


def test_a_clean_encoder_takes_no_noise_level() -> None:
    with pytest.raises(WeightsError, match="clean pictures only"):
        small().images(torch.zeros(1, 3, 32, 32), torch.zeros(1))


def test_the_gradient_is_that_of_finite_differences() -> None:
    network, x = small().double(), torch.randn(1, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    wanted, way = torch.randn(24, dtype=torch.float64), torch.randn(1, 3, 32, 32, dtype=torch.float64)
    forward = lambda state: (network.image(state, None) @ wanted).sum()  # noqa: E731
    (gradient,) = torch.autograd.grad(forward(x), x)
    step = 1e-5
    slope = (forward(x.detach() + step * way) - forward(x.detach() - step * way)) / (2 * step)
    assert torch.allclose((gradient * way).sum(), slope, rtol=1e-5)


def test_the_scale_is_at_most_a_hundred() -> None:
    network = small()
    assert float(network.scale.detach()) == pytest.approx(1 / 0.07)
    with torch.no_grad():
        network.log_scale.fill_(9.0)
    assert float(network.scale.detach()) == pytest.approx(100)


def test_what_was_written_is_read_frozen(tmp_path: Path) -> None:
    network = small(noisy=True)
    write(network, tmp_path)
    found = DualEncoder.load(tmp_path)
    assert found.config == network.config
    assert not any(each.requires_grad for each in found.parameters())
    x = torch.randn(2, 3, 32, 32)
    assert torch.allclose(found.images(x), network.images(x), atol=2e-3)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"widths": [17], "blocks": [1]}, "multiples of 16"),
        ({"widths": [16], "blocks": [1, 1]}, "1 to 6 numbers each"),
        ({"width": 18}, "multiple of 4 times heads"),
        ({"size": 2**20}, "size"),
        ({"near": 4}, "near must be odd"),
        ({"family": "native"}, "family"),
        ({"noisy": 1}, "noisy must be bool"),
        ({"out": 12}, "out.weight has shape"),
        ({"noisy": True}, "missing"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path: Path, config: dict[str, object], said: str) -> None:
    write(small(), tmp_path)
    (tmp_path / CONFIG).write_text(json.dumps({**SMALL, **config}))
    with pytest.raises(WeightsError, match=said) as error:
        DualEncoder.load(tmp_path)
    assert "\n" not in str(error.value)


def test_a_folder_without_weights_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        DualEncoder.load(tmp_path)
    (tmp_path / CONFIG).write_text(json.dumps(asdict(DualEncoderConfig())))
    with pytest.raises(WeightsError, match="no such file"):
        DualEncoder.load(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"\x80\x04pickle")
    with pytest.raises(WeightsError, match="pickle"):
        DualEncoder.load(tmp_path)


def test_an_unknown_name_is_an_input_error() -> None:
    with pytest.raises(InputError, match="judge_q"):
        DualEncoder.locate("judge_q")
