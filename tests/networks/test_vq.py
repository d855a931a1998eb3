from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.errors import WeightsError
from limn.networks.autoencoder import Autoencoder, AutoencoderConfig
from limn.networks.vq import VQ, VQConfig, from_autoencoder, perplexity

SMALL = {"codes": 12, "code_width": 3, "widths": [16, 16], "blocks": [1, 1]}


def small(seed: int = 0) -> VQ:
    torch.manual_seed(seed)
    return VQ.from_config(SMALL)


def pictures(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 16, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_pictures_become_tokens_and_tokens_pictures() -> None:
    network = small().requires_grad_(False)
    ids = network.encode(pictures())
    assert (ids.shape, ids.dtype) == ((2, 4, 6), torch.int64)
    assert 0 <= ids.min() <= ids.max() < network.codes
    assert network.decode(ids).shape == (2, 3, 16, 24)
    assert network.factor == 4


def test_the_nearest_code_is_found_by_angle_alone() -> None:
    network, features = small(), torch.randn(50, 3)
    angles = F.cosine_similarity(features[:, None], network.codebook[None], dim=-1)
    assert torch.equal(network.nearest(features), angles.argmax(1))
    assert torch.equal(network.nearest(features * 7.5), network.nearest(features))
    with torch.no_grad():
        network.codebook *= torch.rand(12, 1) + 0.5
    assert torch.equal(network.nearest(features), angles.argmax(1)), "the length of a code plays no part"


def test_a_code_is_its_own_token() -> None:
    network = small()
    assert torch.equal(network.nearest(network.codebook), torch.arange(12))


def test_gradients_pass_the_tokens_unchanged() -> None:
    network = small()
    seen = network(pictures())
    seen.features.retain_grad()
    seen.picture.square().sum().backward(retain_graph=True)
    straight = seen.features.grad
    codes = F.embedding(seen.ids, F.normalize(network.codebook.detach(), dim=1)).requires_grad_()
    network.render(codes).square().sum().backward()
    torch.testing.assert_close(straight, codes.grad)
    assert network.codebook.grad is None, "a picture's error says nothing to the codes"


def test_codes_and_features_are_drawn_to_each_other() -> None:
    network = small()
    seen = network(pictures())
    assert seen.pull.item() == pytest.approx(seen.commitment.item())
    seen.pull.backward(retain_graph=True)
    assert network.codebook.grad is not None
    assert all(each.grad is None for each in network.encoder.parameters())
    network.codebook.grad = None
    seen.commitment.backward()
    assert network.codebook.grad is None
    assert all(each.grad is not None for each in network.encoder.parameters())


def test_usage_counts_and_dead_codes_come_back() -> None:
    network, generator = small(), torch.Generator().manual_seed(0)
    features = F.normalize(torch.randn(4, 5, 5, 3), dim=-1)
    assert network.revive(features, generator) == 12, "at first every code lies on data"
    gaps = (network.codebook[:, None] - features.reshape(1, -1, 3)).norm(dim=-1).amin(1)
    assert gaps.max() == 0
    assert torch.equal(network.usage, torch.ones(12))
    for _ in range(200):
        network.note(torch.tensor([0, 1, 1, 2]))
    torch.testing.assert_close(network.usage[:4], torch.tensor([3.0, 6.0, 3.0, 0.0]), atol=0.2, rtol=0)
    kept = network.codebook[:3].clone()
    assert network.revive(features, generator) == 9
    assert torch.equal(network.codebook[:3], kept)
    assert network.revive(features, generator) == 0


def test_perplexity() -> None:
    assert perplexity(torch.zeros(9, dtype=torch.int64), 4) == 1
    assert perplexity(torch.arange(64).view(4, 4, 4), 512) == pytest.approx(64)
    uneven = torch.tensor([0, 0, 0, 1])
    assert perplexity(uneven, 2) == pytest.approx(
        math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25))), abs=1e-5
    )


@pytest.mark.parametrize(
    "fields", [{"codes": 1}, {"codes": 10**7}, {"code_width": 0}, {"widths": [17]}, {"blocks": [1]}, {"layers": 2}]
)
def test_hostile_configurations_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(WeightsError):
        VQ.from_config({**SMALL, **fields})


def test_starts_from_an_autoencoder() -> None:
    torch.manual_seed(0)
    whole = Autoencoder(AutoencoderConfig(channels=4, widths=(16, 32), blocks=(1, 1)))
    whole.mean.copy_(torch.randn(4))
    whole.std.copy_(torch.rand(4) + 0.5)
    network = VQ(VQConfig(codes=8, code_width=4, widths=(16, 32), blocks=(1, 1)))
    missing = network.load_state_dict(from_autoencoder(whole.state_dict()), strict=False)
    assert sorted(missing.missing_keys) == ["codebook", "usage"]
    assert not missing.unexpected_keys
    picture = torch.randn(2, 3, 32, 32)
    latents = whole.encode(picture)
    torch.testing.assert_close(network.features(picture), F.normalize(latents.permute(0, 2, 3, 1), dim=-1))
    # What lies beyond the border is 0 before or after the mean is taken away; the two cells at it may differ.
    inside = (..., slice(12, 20), slice(12, 20))
    codes = latents.permute(0, 2, 3, 1) / 2
    decoded = network.decoder[0](codes.permute(0, 3, 1, 2) * 2)
    expected = whole.decoder[0](latents * whole.std[:, None, None] + whole.mean[:, None, None])
    torch.testing.assert_close(decoded[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-4, rtol=1e-4)
    assert network.decode(network.encode(picture))[inside].isfinite().all()
