"""The network of a recipe: built anew, read from a training folder, or started from the weights of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from limn.io.configurations import read_json
from limn.kernel.errors import InputError, WeightsError
from limn.networks.autoencoder import Autoencoder
from limn.networks.dual_encoder import DualEncoder
from limn.networks.transformer import Transformer
from limn.networks.vq import VQ, from_autoencoder
from limn.networks.weights import frozen, load_state, read_tensors, sized
from limn.scene3d.triplane import Triplane
from limn.train import task
from limn.train.checkpoint import Checkpoint, load
from limn.train.recipe import Recipe, parse

Codec = Autoencoder | VQ | Triplane


def build(recipe: Recipe) -> Any:
    """Build the network of a recipe, its weights drawn from the recipe's seed.

    Raises:
        InputError: There is no such task, or the recipe's network does not fit it.
    """
    return task.find(recipe.task).build(recipe)


def teacher(recipe: Recipe, device: str) -> nn.Module:
    """Return the network that training starts from, frozen."""
    network: nn.Module = build(recipe)
    load_state(network, starting(recipe.init), source=recipe.init)
    return network.to(device).eval().requires_grad_(False)


def recipe_of(checkpoint: Checkpoint) -> Recipe:
    """Return the recipe a checkpoint was trained by; one from before tasks had objectives of their own names all."""
    recipe = parse(checkpoint.recipe)
    known = {item.name for item in fields(task.find(recipe.task).Objective)}
    return replace(recipe, objective={name: value for name, value in recipe.objective.items() if name in known})


def averaged(folder: Path) -> Any:
    """Return the network of a training folder with its averaged weights, ready for use.

    Raises:
        WeightsError: There is no checkpoint, or it is damaged.
    """
    return averaged_of(state_of(folder))


def drawing_of(name: str, device: str) -> tuple[Transformer, dict[str, Any], str]:
    """Return the network of a model that draws, frozen, the fields of its shape, and what it answers.

    Raises:
        InputError: The model has no such network.
    """
    config = read_json(_home(name) / "config.json")
    shape, target = config.get("transformer"), str(config.get("target", ""))
    if not isinstance(shape, dict) or not target:
        raise InputError(f"{name}: is no native model of limn's; name one, such as emoji")
    with torch.random.fork_rng(devices=[]):
        network = Transformer.from_config(shape)
    load_state(network, starting(name), source=name)
    return network.to(device).eval().requires_grad_(False), shape, target


def judge_of(name: str) -> DualEncoder:
    """Return a judge, given a shipped one's name or a folder; torch's global stream stays where it is."""
    with torch.random.fork_rng(devices=[]):
        return DualEncoder.load(name)


def codec_of(name: str) -> Codec:
    """Return the autoencoder, the tokenizer or the tri-plane that a recipe names, ready for use.

    Args:
        name: A training folder, a model's folder or the name of a shipped model.

    Raises:
        InputError: There is a network of another kind.
        WeightsError: There is none, or its weights are damaged.
    """
    folder = _home(name)
    kind: type[Autoencoder] | type[VQ] | type[Triplane]
    for kind in (Autoencoder, VQ, Triplane):
        weights = folder / f"{kind.__name__.lower()}.safetensors"
        if weights.is_file():
            fields = read_json(folder / "config.json")[weights.stem]
            make: Callable[[], Codec] = partial(kind.from_config, fields)
            return frozen(sized(make, weights), weights)
    network = averaged(folder)
    if not isinstance(network, Codec):
        raise InputError(f"{name}: holds neither an autoencoder nor a vq nor a triplane; train one first")
    return network


def starting(name: str, network: nn.Module | None = None) -> Mapping[str, Tensor]:
    """Return the weights that training starts from.

    Args:
        name: A folder with a checkpoint or a model, or the name of a shipped model.
        network: What is to be trained. An autoencoder or a VQ starts from the model's own; a VQ may start from an
            autoencoder of its layers, with codes of its own; a transformer that reads further channels or streams
            may start from one that does not.

    Raises:
        WeightsError: There are none, or they are damaged.
    """
    if isinstance(network, Autoencoder | VQ):
        weights = codec_of(name).state_dict()
        quantised = isinstance(network, VQ) and "std" in weights
        return {**network.state_dict(), **from_autoencoder(weights)} if quantised else weights
    model = _home(name) / "model.safetensors"
    weights = read_tensors(model) if model.exists() else averaged(_home(name)).state_dict()
    if isinstance(network, Transformer):
        state = network.state_dict()
        weights = {**{name: state[name] for name in state if name.startswith(("given_in", "streams"))}, **weights}
    return weights


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


def averaged_of(checkpoint: Checkpoint) -> Any:
    """Return the network of a checkpoint with its averaged weights, ready for use."""
    recipe, tensors = recipe_of(checkpoint), checkpoint.tensors["ema"]
    most = sum(tensor.numel() for tensor in tensors.values())
    network = sized(lambda: build(recipe), Path("checkpoint"), most)
    load_state(network, tensors, source="averaged weights")
    return network.eval().requires_grad_(False)
