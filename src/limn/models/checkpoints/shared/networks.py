"""The libraries' own networks, built without memory and filled with weights that fit exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.files import first_line, sha256_of
from limn.kernel.errors import WeightsError
from limn.models.checkpoints.shared.configs import Configs
from limn.networks.weights import check_names, read_header, read_tensors

Shapes = Mapping[str, Sequence[int]]

_SKIPPED: Final = r"embeddings\.position_ids$"
_OLD_VAE: Final = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
_FILES: Final = {
    "unet": ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"),
    "vae": ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"),
    "text_encoder": ("model.safetensors", "model.fp16.safetensors"),
}
_TEXT_FIELDS: Final = {
    "attention_dropout", "bos_token_id", "eos_token_id", "hidden_act", "hidden_size", "initializer_factor",
    "initializer_range", "intermediate_size", "layer_norm_eps", "max_position_embeddings", "num_attention_heads",
    "num_hidden_layers", "pad_token_id", "projection_dim", "vocab_size",
}  # fmt: skip


@dataclass(frozen=True)
class Networks:
    """The three networks of a model, filled.

    Args:
        unet: ``UNet2DConditionModel`` of diffusers.
        vae: ``AutoencoderKL`` of diffusers.
        text_encoder: ``CLIPTextModel`` of transformers.
        hashes: SHA-256 of each weights file, that of the U-Net first.
    """

    unet: Any
    vae: Any
    text_encoder: Any
    hashes: Sequence[str]


@dataclass(frozen=True, eq=False)
class Vae:
    """A variational autoencoder for :class:`limn.codecs.latents.Latents`; large pictures are decoded one at a time.

    Args:
        model: ``AutoencoderKL`` of diffusers; its weights are laid out anew.
        channels: Channels of the latents.
        factor: Pixels along one side of a latent cell.
        together: Most pixels that are decoded in one pass, which bounds the memory; a single picture may have more.
    """

    model: Any
    channels: int
    factor: int
    together: int = 2**18

    def __post_init__(self) -> None:
        # Convolutions over the channels of one pixel at a time are faster on CPUs and tensor cores.
        self.model.to(memory_format=torch.channels_last)

    @property
    def _weight(self) -> Tensor:
        weight: Tensor = self.model.quant_conv.weight  # model.device and .dtype search the whole tree
        return weight

    def encode(self, image: Tensor) -> Tensor:
        """Return the mean latents (pictures, channels, h, w) of pictures."""
        rows = image.to(self._weight)
        return torch.cat([self.model.encode(row[None]).latent_dist.mode() for row in rows]).to(image)

    def decode(self, latents: Tensor) -> Tensor:
        """Return the pictures (pictures, 3, height, width) of latents."""
        rows = latents.to(self._weight)
        pixels = rows.shape[2] * rows.shape[3] * self.factor**2
        parts = torch.split(rows, max(1, self.together // pixels))
        return torch.cat([self.model.decode(part, return_dict=False)[0] for part in parts]).to(latents)


def blank(part: str, fields: Mapping[str, Any], source: Path) -> Any:
    """Build a network without memory for its weights.

    Args:
        part: ``unet``, ``vae`` or ``text_encoder``.
        fields: Its checked configuration.
        source: The file, for the message.

    Raises:
        WeightsError: the fields contradict each other.
    """
    with torch.device("meta"):
        try:
            if part == "text_encoder":
                from transformers import CLIPTextConfig, CLIPTextModel

                return CLIPTextModel(CLIPTextConfig(**{k: v for k, v in fields.items() if k in _TEXT_FIELDS}))
            from diffusers import AutoencoderKL, UNet2DConditionModel

            kind = UNet2DConditionModel if part == "unet" else AutoencoderKL
            return kind(**{name: value for name, value in fields.items() if not name.startswith("_")})
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


def from_folder(folder: Path, configs: Configs, device: str, dtype: torch.dtype) -> Networks:
    """Build and fill the networks of a folder in diffusers' format.

    Args:
        folder: The model folder.
        configs: Its configurations.
        device: Where they go.
        dtype: Precision of the weights.

    Raises:
        WeightsError: a weights file is missing, damaged, unsafe or does not fit its configuration.
    """
    files = {part: _weights_file(folder / part, names) for part, names in _FILES.items()}
    made = {part: blank(part, configs[part], folder / part / "config.json") for part in files}
    filled = {}
    for part, path in files.items():
        wanted = shapes_of(made[part])
        renamed = _renaming(part, wanted)
        header = {name: shape for name, (_, shape) in read_header(path).items() if "position_ids" not in name}
        check_names(str(path), {renamed(name): shape for name, shape in header.items()}, wanted)
        tensors = read_tensors(path, skip=_SKIPPED, dtype=dtype)
        filled[part] = fill(made[part], {renamed(name): each for name, each in tensors.items()}, device)
    return Networks(**filled, hashes=[sha256_of(path) for path in files.values()])


def _renaming(part: str, wanted: Shapes) -> Callable[[str], str]:
    """Return what turns a name in the file into the network's, across versions of the libraries."""
    wrapped = any(name.startswith("text_model.") for name in wanted)

    def rename(name: str) -> str:
        if part == "text_encoder":
            return ("text_model." if wrapped else "") + name.removeprefix("text_model.")
        if part == "vae" and ".attentions." in name:
            for old, new in _OLD_VAE.items():
                name = name.replace(old, new)
        return name

    return rename


def _weights_file(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    others = sorted(each.name for each in folder.glob("*.bin")) if folder.is_dir() else []
    if others:
        raise WeightsError(
            f"{folder / others[0]}: a pickle can run code when opened; get {names[0]} of the same model instead"
        )
    raise WeightsError(f"{folder / names[0]}: no such file; get the model again, in safetensors format")
