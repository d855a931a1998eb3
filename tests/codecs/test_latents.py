"""Latents: shapes, scaling, and what is refused."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from limn.codecs.latents import Latents
from limn.kernel.errors import InputError


class Blocks:
    """An autoencoder without loss: pixels of a block become channels."""

    channels, factor = 12, 2

    def encode(self, image: Tensor) -> Tensor:
        return F.pixel_unshuffle(image, 2)

    def decode(self, latents: Tensor) -> Tensor:
        return F.pixel_shuffle(latents, 2)


def test_shapes_and_multiples() -> None:
    codec = Latents(Blocks(), patch=4)
    assert codec.multiple == 8
    assert codec.shape(16, 24) == (12, 8, 12)
    assert codec.encode(torch.zeros(5, 3, 16, 24)).shape == (5, *codec.shape(16, 24))


def test_each_channel_is_centred_and_scaled() -> None:
    image = torch.rand(50, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    raw = Blocks().encode(image)
    mean, std = raw.mean((0, 2, 3)), raw.std((0, 2, 3))
    state = Latents(Blocks(), mean=mean.tolist(), std=std.tolist()).encode(image)
    assert torch.allclose(state.mean((0, 2, 3)), torch.zeros(12), atol=1e-5)
    assert torch.allclose(state.std((0, 2, 3)), torch.ones(12), atol=1e-5)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_decoding_undoes_encoding(kind: torch.dtype) -> None:
    codec = Latents(Blocks(), mean=[0.1 * k for k in range(12)], std=[1.0 + k for k in range(12)])
    image = torch.rand(2, 3, 8, 8, dtype=kind) * 2 - 1
    decoded = codec.decode(codec.encode(image))
    assert decoded.dtype == kind
    assert torch.allclose(decoded, image, atol=1e-5)


def test_one_factor_scales_all_channels_as_in_stable_diffusion() -> None:
    image = torch.rand(2, 3, 8, 8) * 2 - 1
    state = Latents(Blocks(), std=[1 / 0.18215]).encode(image)
    assert torch.allclose(state, Blocks().encode(image) * 0.18215, atol=1e-6)


@pytest.mark.parametrize("options", [{"mean": [0.0, 1.0]}, {"std": [1.0] * 11}, {"std": [0.0]}, {"std": [-1.0]}])
def test_scaling_that_does_not_fit_is_refused(options: dict[str, list[float]]) -> None:
    with pytest.raises(InputError, match="latents"):
        Latents(Blocks(), **options)  # type: ignore[arg-type]
