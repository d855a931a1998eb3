"""The libraries' own networks, built without memory and filled with weights that fit exactly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.configurations import read_json
from limn.io.files import first_line, sha256_of
from limn.kernel.errors import WeightsError
from limn.models import memory
from limn.models.checkpoints.shared.configs import Configs, config_path, kind_of, usual_of
from limn.models.checkpoints.shared.signature import defaults
from limn.networks.weights import check_names, read_header, read_tensors

Shapes = Mapping[str, Sequence[int]]

PARTS: Final = ("unet", "vae", "text_encoder", "text_encoder_2")
_SKIPPED: Final = r"embeddings\.position_ids$"
_OLD_VAE: Final = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
_VARIANTS: Final = ("", ".fp16", ".bf16", ".non_ema", ".ema")
_INDEX_LIMIT: Final = 32 * 2**20
_TEXT_FIELDS: Final = {
    "attention_dropout", "bos_token_id", "eos_token_id", "hidden_act", "hidden_size", "initializer_factor",
    "initializer_range", "intermediate_size", "layer_norm_eps", "max_position_embeddings", "num_attention_heads",
    "num_hidden_layers", "pad_token_id", "projection_dim", "vocab_size",
}  # fmt: skip


@dataclass(frozen=True)
class Networks:
    """The networks of a model, filled.

    Args:
        parts: By name: ``unet``, ``vae``, ``text_encoder``, ``text_encoder_2``.
        hashes: SHA-256 of each weights file, that of the U-Net first.
    """

    parts: Mapping[str, Any]
    hashes: Sequence[str]

    def __getitem__(self, part: str) -> Any:
        return self.parts[part]


def blank(part: str, fields: Mapping[str, Any], source: Path) -> Any:
    """Build a network without memory for its weights.

    Args:
        part: ``unet``, ``vae``, ``text_encoder`` or ``text_encoder_2``.
        fields: Its checked configuration.
        source: The file, for the message.

    Raises:
        WeightsError: the fields contradict each other.
    """
    import diffusers
    import transformers

    with torch.device("meta"):
        try:
            kind = kind_of(part, fields)
            if kind == "CLIPTextConfig":
                own = {name: value for name, value in fields.items() if name in _TEXT_FIELDS}
                named = (fields.get("architectures") or ["CLIPTextModel"])[0]
                return getattr(transformers, named)(transformers.CLIPTextConfig(**own))
            own = {name: value for name, value in fields.items() if name in defaults(kind)}
            return getattr(diffusers, kind)(**own)
        except Exception as error:  # the libraries raise many kinds for fields that do not fit each other
            reason = first_line(error)[:150]
            raise WeightsError(f"{source}: its fields contradict each other ({reason}); get it again") from None


def shapes_of(network: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of each of a network's tensors."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def fill(network: Any, tensors: Mapping[str, Tensor], device: str) -> Any:
    """Give a blank network its weights, which must fit exactly, and freeze it."""
    network.load_state_dict(tensors, strict=True, assign=True)
    for module in network.modules():
        places = getattr(module, "position_ids", None)
        if isinstance(places, Tensor):  # a buffer that is not in the file
            module.position_ids = torch.arange(places.shape[-1]).expand(places.shape)
    return network.to(device).eval().requires_grad_(False)


def precision(part: str, configs: Configs, dtype: torch.dtype) -> torch.dtype:
    """Return the precision of a part: SDXL's autoencoder overflows in float16 and stays in float32."""
    upcast = part == "vae" and "text_encoder_2" in configs.parts and usual_of(part, configs[part])["force_upcast"]
    return torch.float32 if upcast and dtype == torch.float16 else dtype


def from_folder(
    folder: Path, configs: Configs, device: str, dtype: torch.dtype, parts: Sequence[str] = PARTS
) -> Networks:
    """Build and fill the networks of a folder in diffusers' format.

    Args:
        folder: The model folder.
        configs: Its configurations.
        device: Where they go.
        dtype: Precision of the weights.
        parts: Which are read, of those that it has.

    Raises:
        WeightsError: a weights file is missing, damaged, unsafe or does not fit its configuration.
    """
    parts = [part for part in parts if part in configs.parts]
    files = {part: weights_files(folder / part, part) for part in parts}
    made = {part: blank(part, configs[part], config_path(folder, part)) for part in parts}
    side = 8 * configs["unet"]["sample_size"]
    memory.check(str(folder), [path for paths in files.values() for path in paths], dtype.itemsize, (side, side))
    filled = {}
    for part, paths in files.items():
        filled[part] = filled_from(paths, part, made[part], device, precision(part, configs, dtype))
    return Networks(filled, hashes=[sha256_of(path) for paths in files.values() for path in paths])


def filled_from(paths: Sequence[Path], part: str, network: Any, device: str, dtype: torch.dtype) -> Any:
    """Fill a blank network from its files of weights.

    Args:
        paths: One file, or the shards of one.
        part: ``unet``, ``vae``, ``text_encoder`` or ``text_encoder_2``.
        network: From :func:`blank`.
        device: Where it goes.
        dtype: Precision of the weights; each tensor is turned into it as it is read.

    Raises:
        WeightsError: a file is damaged or unsafe, or the tensors do not fit the network.
    """
    wanted = shapes_of(network)
    renamed = _renaming(part, wanted)
    shapes: dict[str, tuple[int, ...]] = {}
    for path in paths:
        own = {renamed(name): shape for name, (_, shape) in read_header(path).items() if "position_ids" not in name}
        if twice := sorted(own.keys() & shapes.keys()):
            raise WeightsError(f"{path}: has {twice[0]}, as another of its shards does; get them again")
        shapes |= own
    check_names(str(paths[0]), shapes, wanted)
    tensors: dict[str, Tensor] = {}
    for path in paths:
        read = read_tensors(path, skip=_SKIPPED, dtype=dtype)
        tensors |= {renamed(name): tensor for name, tensor in read.items()}
    return fill(network, tensors, device)


def _renaming(part: str, wanted: Shapes) -> Callable[[str], str]:
    """Return what turns a name in the file into the network's, across versions of the libraries."""
    wrapped = any(name.startswith("text_model.") for name in wanted)

    def rename(name: str) -> str:
        if part.startswith("text_encoder"):
            if name == "text_projection.weight":
                return name
            return ("text_model." if wrapped else "") + name.removeprefix("text_model.")
        if part == "vae" and ".attentions." in name:
            for old, new in _OLD_VAE.items():
                name = name.replace(old, new)
        return name

    return rename


def weights_files(folder: Path, part: str) -> list[Path]:
    """Return a part's files of weights: one, or the shards that its index names.

    A single safetensors file in the folder is taken whatever its name.

    Raises:
        WeightsError: there is none, several that nothing tells apart, or only a pickle.
    """
    stem = "model" if part.startswith("text_encoder") else "diffusion_pytorch_model"
    for variant in _VARIANTS:
        if (one := folder / f"{stem}{variant}.safetensors").exists():
            return [one]
        if (several := folder / f"{stem}.safetensors.index{variant}.json").exists():
            return _shards(several)
    left = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if len(left) == 1:
        return left
    if left:
        names = ", ".join(path.name for path in left[:3])
        raise WeightsError(f"{folder}: holds {names}; rename the one that is meant to {stem}.safetensors")
    pickles = sorted(path.name for path in folder.glob("*.bin")) if folder.is_dir() else []
    if pickles:
        raise WeightsError(
            f"{folder / pickles[0]}: a pickle can run code when opened; get {stem}.safetensors of the same model"
        )
    raise WeightsError(f"{folder / stem}.safetensors: no such file; get the model again, in safetensors format")


def _shards(index: Path) -> list[Path]:
    named = read_json(index, limit=_INDEX_LIMIT).get("weight_map")
    files = sorted(set(named.values())) if isinstance(named, dict) and all(map(_is_text, named.values())) else []
    if not files or not all(re.fullmatch(r"[\w.-]+\.safetensors", file) for file in files):
        raise WeightsError(f"{index}: does not say in which safetensors files the weights are; get it again")
    return [index.parent / file for file in files]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
