from __future__ import annotations

import pytest
import torch

from limn.kernel.errors import WeightsError
from limn.networks.autoencoder import Autoencoder, AutoencoderConfig

SMALL = {"channels": 4, "widths": [16, 32], "blocks": [1, 1]}


def test_shapes_and_scaling() -> None:
    network = Autoencoder.from_config(SMALL).eval().requires_grad_(False)
    assert (network.channels, network.factor) == (4, 4)
    picture = torch.rand(2, 3, 16, 24) * 2 - 1
    raw, log_variance = network.posterior(picture)
    assert raw.shape == log_variance.shape == (2, 4, 4, 6)
    network.mean.copy_(raw.mean((0, 2, 3)))
    network.std.copy_(raw.std((0, 2, 3)))
    latents = network.encode(picture)
    torch.testing.assert_close(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(latents.std((0, 2, 3)), torch.ones(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(network.decode(latents), network.render(raw), atol=1e-5, rtol=1e-5)
    assert network.decode(latents).shape == picture.shape


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    network = Autoencoder.from_config(SMALL).eval().requires_grad_(False)
    latents = torch.randn(3, 4, 4, 4)
    torch.testing.assert_close(network.decode(latents)[[1]], network.decode(latents[[1]]), atol=1e-5, rtol=1e-5)


def test_the_shipped_shape_fits_in_six_megabytes_of_float16() -> None:
    with torch.device("meta"):
        network = Autoencoder(AutoencoderConfig())
    assert sum(each.numel() for each in network.state_dict().values()) * 2 < 6e6
    assert network.factor == 8


@pytest.mark.parametrize(
    "fields",
    [
        {"channels": 10**6},
        {"widths": [16] * 99, "blocks": [1] * 99},
        {"widths": [16, 32, 10**6]},
        {"widths": [16, 17, 32]},
        {"widths": [16, "32", 64]},
        {"blocks": [1, 1]},
        {"blocks": 3},
        {"layers": 3},
    ],
)
def test_hostile_configurations_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(WeightsError):
        Autoencoder.from_config(fields)
