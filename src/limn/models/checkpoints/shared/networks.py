"""The libraries' own networks, built without memory and filled with weights that fit exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.files import first_line, sha256_of
from limn.kernel.errors import WeightsError
from limn.models import memory
from limn.models.checkpoints.shared import weight_files
from limn.models.checkpoints.shared.configs import Configs, config_path, kind_of, usual_of
from limn.models.checkpoints.shared.signature import defaults
from limn.networks.weights import check_names

Shapes = Mapping[str, Sequence[int]]

PARTS: Final = ("unet", "vae", "text_encoder", "text_encoder_2")
_SKIPPED: Final = r"position_ids$"
_OLD_VAE: Final = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
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
        again: By name: fills a network anew, in its place, once its weights were let go.
    """

    parts: Mapping[str, Any]
    hashes: Sequence[str]
    again: Mapping[str, Callable[[], object]] = field(default_factory=dict)

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
    files = {part: files_of(folder / part, part) for part in parts}
    made = {part: blank(part, configs[part], config_path(folder, part)) for part in parts}
    side = 8 * configs["unet"]["sample_size"]
    memory.check(str(folder), [path for paths in files.values() for path in paths], dtype.itemsize, (side, side))
    again = {
        part: partial(filled_from, paths, part, made[part], device, precision(part, configs, dtype))
        for part, paths in files.items()
    }
    for fill_part in again.values():
        fill_part()
    return Networks(made, [sha256_of(path) for paths in files.values() for path in paths], again)


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
    renamed = _renaming(part, shapes_of(network))
    check_names(str(paths[0]), weight_files.shapes(paths, renamed, _SKIPPED), shapes_of(network))
    return fill(network, weight_files.tensors(paths, renamed, _SKIPPED, dtype), device)


def files_of(folder: Path, part: str) -> list[Path]:
    """Return a part's files of weights; see :func:`limn.models.checkpoints.shared.weight_files.weights_files`."""
    return weight_files.weights_files(folder, "transformers" if part.startswith("text_encoder") else "diffusers")


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
