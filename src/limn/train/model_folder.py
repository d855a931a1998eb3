"""The pieces of a model's folder: weights, the codec, and the hashes they are held against."""

from __future__ import annotations

from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import nn

from limn.io.atomic import make_folder, write_text
from limn.io.files import sha256_of
from limn.io.targets import check_name
from limn.kernel.errors import InputError
from limn.networks.autoencoder import Autoencoder
from limn.networks.quantization import pack, unpack
from limn.networks.vq import VQ
from limn.networks.weights import read_tensors, write_tensors
from limn.scene3d.triplane import Triplane

SUMS = "SHA256SUMS"


def write_weights(network: nn.Module, path: Path, recipe: str) -> None:
    """Write weights, packed, with the name of the recipe they were trained by."""
    make_folder(path.parent)
    write_tensors(path, pack(network.state_dict()), {"limn": metadata.version("limn"), "recipe": recipe})
    path.chmod(0o644)


def write_codec(
    codec: Autoencoder | VQ | Triplane, folder: Path, recipe: str, tokens_of: str = ""
) -> dict[str, Any]:
    """Write a model's codec, or find it beside the folder; return what the configuration says of it.

    Raises:
        InputError: The model ``tokens_of`` beside the folder has other tokens.
    """
    codec = codec.bare() if isinstance(codec, Triplane) else codec
    part = type(codec).__name__.lower()
    fields: dict[str, Any] = {part: asdict(codec.config)}
    if not tokens_of:
        write_weights(codec, folder / f"{part}.safetensors", recipe)
        return fields
    path = folder.resolve().parent / check_name(tokens_of, "tokens_of") / "vq.safetensors"
    theirs, ours = read_tensors(path), unpack(pack(codec.state_dict()))
    if theirs.keys() != ours.keys() or not all(torch.equal(theirs[name], ours[name]) for name in ours):
        raise InputError(f"tokens_of: {path} holds other tokens than this model's; export {tokens_of} first")
    (folder / path.name).unlink(missing_ok=True)
    return {**fields, "tokens_of": tokens_of, "tokens_sha256": sha256_of(path)}


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS``, which every later loading of the weights is held against."""
    settings = [path for path in folder.glob("*.json") if path.name != "card.json"]
    files = sorted([*folder.glob("*.safetensors"), *settings])
    write_text(folder / SUMS, "".join(f"{sha256_of(path)}  {path.name}\n" for path in files))
