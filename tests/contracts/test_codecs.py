"""What every codec must satisfy; the checks themselves are `limn.testing`'s."""

from __future__ import annotations

import pytest
import torch

import small_models
from limn.codecs.latents import Latents
from limn.codecs.pixels import Pixels
from limn.codecs.tokens import Tokens
from limn.kernel.codec import Codec
from limn.networks.autoencoder import Autoencoder, AutoencoderConfig
from limn.networks.vq import VQ, VQConfig
from limn.testing import check_codec


def built(name: str) -> Codec:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if name == "latents":
            network = Autoencoder(AutoencoderConfig(widths=(16, 16), blocks=(1, 1)))
            return Latents(network.eval(), mean=(0.1,), std=(2.0,), patch=2)
        return Tokens(VQ(VQConfig(codes=12, code_width=3, widths=(16, 16), blocks=(1, 1))).eval())


@pytest.mark.parametrize(
    ("codec", "error"),
    [(Pixels(), 0.0), (Pixels(multiple=8), 0.0), (Tokens(small_models.Greys()), 1.0)],
    ids=["pixels", "pixels in eights", "greys"],
)
def test_exact_ones(codec: Codec, error: float) -> None:
    check_codec(codec, size=(16, 16), error=error)
    if isinstance(codec, Pixels):
        check_codec(codec, size=(16, 25), error=error)


@pytest.mark.parametrize("name", ["latents", "tokens"])
def test_networks(name: str) -> None:
    check_codec(built(name), size=(16, 16))


def test_one_that_mixes_pictures_is_named() -> None:
    class Mixing(Pixels):
        def encode(self, image: torch.Tensor) -> torch.Tensor:
            return image - image.mean(0, keepdim=True)

    with pytest.raises(AssertionError, match="Mixing: a picture depends on the others of its batch"):
        check_codec(Mixing())
