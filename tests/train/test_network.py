"""Networks of recipes: codecs by name, and the weights that training starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import limn.models
from limn.kernel.errors import InputError, WeightsError
from limn.networks.autoencoder import Autoencoder
from limn.networks.vq import VQ
from limn.train.loop import train
from limn.train.network import build, codec_of, starting
from limn.train.recipe import parse, read


def test_a_shipped_model_lends_its_codec() -> None:
    """The same autoencoder, or tokenizer, that the model itself draws with; ready for use."""
    autoencoder, tokenizer = codec_of("emoji"), codec_of("muse_shapes")
    assert isinstance(autoencoder, Autoencoder)
    assert isinstance(tokenizer, VQ)
    assert not any(each.requires_grad for each in autoencoder.parameters())
    state = torch.randn(1, *limn.models.load("emoji").stages[0].codec.shape(64, 64))
    own = limn.models.load("emoji").stages[0].codec.decode(state)
    assert torch.equal(autoencoder.decode(state), own)


def test_a_tokenizer_starts_from_the_autoencoder_of_a_shipped_model() -> None:
    """The shipped recipe needs no autoencoder trained first: all layers but the codes come with the model."""
    recipe = read(Path("vq"))
    network = build(recipe)
    begun, own = starting(recipe.init, network), network.state_dict()
    assert begun.keys() == own.keys()
    assert [name for name in own if torch.equal(begun[name], own[name])] == ["codebook", "usage"]


def test_an_autoencoder_goes_on_from_a_shipped_one() -> None:
    """Weights of the codec, not of the transformer beside it."""
    shipped = codec_of("emoji").state_dict()
    begun = starting("emoji", build(read(Path("autoencoder"))))
    assert all(torch.equal(begun[name], each) for name, each in shipped.items())


def test_a_folder_without_a_codec_is_refused(tmp_path: Path) -> None:
    """A model of pixels has none, and neither has a run that trains something else."""
    with pytest.raises(WeightsError, match="shapes: holds no checkpoint"):
        codec_of("shapes")
    tiny = {"width": 16, "depth": 1, "heads": 1, "channels": 3, "grid": 64, "patch": 16, "text_width": 128}
    recipe = parse({
        "name": "tiny", "data": {"world": "shapes"}, "network": tiny, "optimiser": {"batch": 2},
        "schedule": {"steps": 1},
        "saving": {"prompts": ["a red circle"]},
    })  # fmt: skip
    list(train(recipe, tmp_path / "run", device="cpu"))
    with pytest.raises(InputError, match="neither an autoencoder nor a vq"):
        codec_of(str(tmp_path / "run"))
