"""The network of a recipe: built anew, read from a training folder, or started from the weights of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from limn.io.configurations import read_json
from limn.kernel.errors import InputError, WeightsError
from limn.networks.attribute_reader import AttributeReader
from limn.networks.autoencoder import Autoencoder
from limn.networks.dual_encoder import DualEncoder
from limn.networks.transformer import Transformer
from limn.networks.upsampler import Upsampler
from limn.networks.vq import VQ, from_autoencoder
from limn.networks.weights import frozen, load_state, read_tensors
from limn.train.checkpoint import Checkpoint, load
from limn.train.recipe import Recipe, parse

__all__ = ["Network", "averaged", "averaged_of", "build", "codec_of", "recipe_of", "starting", "state_of"]

Network = Transformer | Autoencoder | DualEncoder | VQ | AttributeReader | Upsampler
"""What a recipe can train."""

_KINDS: Mapping[str, type[Network]] = {
    "generator": Transformer, "distilled": Transformer, "unlearning": Transformer,
    "autoencoder": Autoencoder, "contrastive": DualEncoder,
    "vq": VQ, "masked": Transformer, "autoregressive": Transformer, "finer": Transformer, "reader": AttributeReader,
    "upsampling": Upsampler,
}  # fmt: skip


def build(recipe: Recipe) -> Network:
    """Build the network of a recipe, its weights drawn from the recipe's seed.

    Raises:
        InputError: The recipe's network has an unknown field or a value out of bounds.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        try:
            return _KINDS[recipe.task].from_config(recipe.network)
        except WeightsError as error:
            raise InputError(f"network: {error}") from None


def recipe_of(checkpoint: Checkpoint) -> Recipe:
    """Return the recipe a checkpoint was trained by."""
    return parse(checkpoint.recipe)


def averaged(folder: Path) -> Network:
    """Return the network of a training folder with its averaged weights, ready for use.

    Raises:
        WeightsError: There is no checkpoint, or it is damaged.
    """
    return averaged_of(state_of(folder))


def codec_of(name: str) -> Autoencoder | VQ:
    """Return the autoencoder or the tokenizer that a recipe names, ready for use.

    Args:
        name: A training folder, a model's folder or the name of a shipped model.

    Raises:
        InputError: There is a network of another kind.
        WeightsError: There is none, or its weights are damaged.
    """
    folder = _home(name)
    for kind in (Autoencoder, VQ):
        weights = folder / f"{kind.__name__.lower()}.safetensors"
        if weights.is_file():
            return frozen(kind.from_config(read_json(folder / "config.json")[weights.stem]), weights)
    found = averaged(folder)
    if not isinstance(found, Autoencoder | VQ):
        raise InputError(f"{name}: holds neither an autoencoder nor a vq; train one first")
    return found


def starting(name: str, network: Network | None = None) -> Mapping[str, Tensor]:
    """Return the weights that training starts from.

    Args:
        name: A folder with a checkpoint or a model, or the name of a shipped model.
        network: What is to be trained. An autoencoder or a VQ starts from the model's own; a VQ may start from an
            autoencoder of its layers, with codes of its own.

    Raises:
        WeightsError: There are none, or they are damaged.
    """
    if isinstance(network, Autoencoder | VQ):
        found = codec_of(name).state_dict()
        return {**network.state_dict(), **from_autoencoder(found)} if _to_quantise(network, found) else found
    model = _home(name) / "model.safetensors"
    return read_tensors(model) if model.exists() else averaged(_home(name)).state_dict()


def state_of(folder: Path) -> Checkpoint:
    """Return the last checkpoint of a training folder.

    Raises:
        WeightsError: There is none, or it is damaged.
    """
    checkpoint = load(folder)
    if checkpoint is None:
        raise WeightsError(f"{folder}: holds no checkpoint; train first")
    return checkpoint


def _home(name: str) -> Path:
    """Return the folder of that name, or of the shipped model of that name."""
    shipped = Path(__file__).parents[1] / "weights" / name
    return shipped if shipped.is_dir() and not Path(name).exists() else Path(name)


def _to_quantise(network: Network, found: Mapping[str, Tensor]) -> bool:
    return isinstance(network, VQ) and "std" in found


def averaged_of(checkpoint: Checkpoint) -> Network:
    """Return the network of a checkpoint with its averaged weights, ready for use."""
    network = build(recipe_of(checkpoint))
    load_state(network, checkpoint.tensors["ema"], source="averaged weights")
    return network.eval().requires_grad_(False)
