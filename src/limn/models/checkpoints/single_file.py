"""One safetensors file with the keys of the original latent diffusion code.

The file holds weights only. What they mean is taken from a model folder given or lying beside the file, and
otherwise from what is published of Stable Diffusion 1.x and 2.x, told apart by the width of their text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.configurations import MAX_CONFIG
from limn.io.files import first_line, read_bounded, sha256_of
from limn.kernel.errors import WeightsError
from limn.models import memory
from limn.models.checkpoints.shared.configs import Configs, check_together, config_path, read_part
from limn.models.checkpoints.shared.networks import Networks, blank, fill, shapes_of
from limn.models.checkpoints.shared.tokenizer import find_tokenizer
from limn.networks.weights import check_names, read_header, read_tensors
from limn.personalise.learned import metadata

_PREDICTIONS: Final = {
    "v": "v_prediction", "v_prediction": "v_prediction", "eps": "epsilon", "epsilon": "epsilon", "x0": "sample",
}  # fmt: skip
_UNET: Final = "model.diffusion_model."
_VAE: Final = "first_stage_model."
_TEXT: Final = "cond_stage_model."
# Everything but the three networks is left out: averages kept for training, noise tables, losses.
_SKIPPED: Final = r"^(?!model\.diffusion_model\.|first_stage_model\.|cond_stage_model\.)|position_ids$|\.loss\."

V1: Final[Mapping[str, Mapping[str, Any]]] = {
    "unet": {
        "sample_size": 64,
        "block_out_channels": [320, 640, 1280, 1280],
        "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
        "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
    "vae": {
        "sample_size": 512,
        "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 2,
        "latent_channels": 4,
    },
    "text_encoder": {
        "vocab_size": 49408,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "max_position_embeddings": 77,
    },
    "scheduler": {
        "_class_name": "DDIMScheduler",
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "num_train_timesteps": 1000,
        "set_alpha_to_one": False,
        "prediction_type": "epsilon",
    },
}
V2: Final[Mapping[str, Mapping[str, Any]]] = {
    **V1,
    "unet": {
        **V1["unet"],
        "cross_attention_dim": 1024,
        "attention_head_dim": [5, 10, 20, 20],
        "use_linear_projection": True,
    },
    "text_encoder": {
        **V1["text_encoder"],
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 23,
        "num_attention_heads": 16,
        "hidden_act": "gelu",
    },
}


def read_configs(path: Path, given: Path | None) -> tuple[Configs, Path]:
    """Find out what a file's weights mean, and where its tokenizer is.

    Args:
        path: The safetensors file.
        given: A tokenizer's folder or a model folder; looked for beside the file when ``None``.

    Returns:
        Configurations, and the tokenizer's folder.

    Raises:
        WeightsError: the file is damaged, unsafe or of another kind of model; a configuration or the tokenizer is
            missing or damaged.
    """
    shapes = {name: shape for name, (_, shape) in read_header(path).items()}
    width = _text_width(path, shapes)
    home, words = _tokenizer(path, given)
    said = {part: read_part(home, part) for part in V1 if config_path(home, part).exists()}
    parts = {**_known(path, shapes, width, said), **said}
    lacking = [part for part in V1 if part not in parts]
    if lacking:
        raise WeightsError(
            f"{path}: neither Stable Diffusion 1.x nor 2.x by its shapes; "
            f"put its configuration at {config_path(home, lacking[0])}, and that of its other parts likewise"
        )
    configs = Configs(parts, pad=None if "text_encoder" in said else {768: "<|endoftext|>", 1024: "!"}[width])
    check_together(path, configs)
    return configs, words


def _tokenizer(path: Path, given: Path | None) -> tuple[Path, Path]:
    """Return the model folder in which configurations are looked for, and the tokenizer's folder."""
    for folder in [given] if given is not None else [path.with_suffix(""), path.parent]:
        words = find_tokenizer(folder)
        if words is not None:
            # Of a tokenizer's folder given by itself, only the tokenizer is meant.
            return (path.with_suffix("") if words == folder else folder), words
    where = given if given is not None else f"{path.with_suffix('')} or {path.parent / 'tokenizer'}"
    raise WeightsError(
        f"{path}: a single file has no tokenizer, and {where} has none; put vocab.json and merges.txt there, "
        "from the tokenizer folder of any Stable Diffusion model of this version in diffusers format"
    )


def _known(
    path: Path, shapes: Mapping[str, tuple[int, ...]], width: int, said: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """Return what is published of the file's version, with the prediction that marks in the file tell."""
    known = dict({768: V1, 1024: V2}.get(width, {}))
    if not known:
        return known
    first = shapes.get(f"{_UNET}input_blocks.0.0.weight", ())
    if len(first) == 4 and first[1] == 9:  # an inpainting model
        known["unet"] = {**known["unet"], "in_channels": 9}
    told = prediction_of(path)
    if told:
        known["scheduler"] = {**known["scheduler"], "prediction_type": told}
    elif "v_pred" in shapes:
        marks = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": "ztsnr" in shapes}
        known["scheduler"] = {**known["scheduler"], **marks}
    elif width == 1024 and "scheduler" not in said:
        raise WeightsError(
            f"{path}: a Stable Diffusion 2.x file does not say whether it predicts noise or v; put the model's "
            f"scheduler_config.json at {config_path(path.with_suffix(''), 'scheduler')}"
        )
    scheduler = said.get("scheduler", known["scheduler"])
    if width == 1024 and scheduler.get("prediction_type") == "v_prediction":
        known["unet"] = {**known["unet"], "sample_size": 96}
    return known


def prediction_of(path: Path) -> str:
    """Return what a file's own metadata, or the yaml of the original code beside it, says that it predicts."""
    named = metadata(path).get("modelspec.prediction_type", "")
    for beside in (path.with_suffix(".yaml"), path.with_suffix(".yml")):
        if not named and beside.is_file():
            text = read_bounded(beside, MAX_CONFIG, "a configuration is far smaller, get it again").decode(
                "utf-8", "replace"
            )
            match = re.search(r"^\s*parameterization:\s*[\"']?(\w+)", text, re.MULTILINE)
            named = match[1] if match else "eps"  # the original code predicts noise unless it is told otherwise
    if named and named not in _PREDICTIONS:
        raise WeightsError(
            f"{path}: says that it predicts {named[:40]!r}, which limn does not know; use another file"
        )
    return _PREDICTIONS.get(named, "")


def read_networks(path: Path, configs: Configs, device: str, dtype: torch.dtype) -> Networks:
    """Build the networks and fill them from a single file.

    Args:
        path: The safetensors file.
        configs: From :func:`read_configs`.
        device: Where they go.
        dtype: Precision of the weights.

    Raises:
        WeightsError: tensors are missing, unexpected, mis-shaped or not finite.
    """
    made = {part: blank(part, configs[part], path) for part in ("unet", "vae", "text_encoder")}
    shapes = {name: shape for name, (_, shape) in read_header(path).items() if not re.search(_SKIPPED, name)}
    # The conversion is tried on shapes alone first, so that nothing large is read in vain.
    outline = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    for part, tensors in _converted(path, outline, configs, made).items():
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        check_names(f"{path} ({part})", found, shapes_of(made[part]))
    side = 8 * configs["unet"]["sample_size"]
    memory.check(str(path), [path], dtype.itemsize, (side, side))
    tensors = read_tensors(path, skip=_SKIPPED, dtype=dtype)
    filled = {
        part: fill(made[part], each, device) for part, each in _converted(path, tensors, configs, made).items()
    }
    return Networks(filled, hashes=[sha256_of(path)])


def _text_width(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> int:
    if any(name.startswith("conditioner.embedders.") for name in shapes):
        raise WeightsError(
            f"{path}: a Stable Diffusion XL file; limn reads SDXL from a folder in diffusers' format, get that"
        )
    for prefix, what in ((_UNET, "U-Net"), (_VAE, "VAE"), (_TEXT, "text encoder")):
        if not any(name.startswith(prefix) for name in shapes):
            raise WeightsError(f"{path}: holds no {what} ({prefix}*); give a full Stable Diffusion checkpoint")
    widths = {shape[-1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight") and len(shape) == 2}
    if len(widths) != 1:
        raise WeightsError(f"{path}: its U-Net has no single width of text; give a Stable Diffusion checkpoint")
    return widths.pop()


def _converted(
    path: Path, tensors: Mapping[str, Tensor], configs: Configs, made: Mapping[str, Any]
) -> dict[str, dict[str, Tensor]]:
    """Rename the tensors of each part, with diffusers' own conversion."""
    from diffusers.loaders import single_file_utils as convert

    wrapped = hasattr(made["text_encoder"], "text_model")
    try:
        unet = {"layers_per_block": 2, **configs["unet"]}
        parts = {
            "unet": convert.convert_ldm_unet_checkpoint(_under(_UNET, tensors), unet),
            "vae": convert.convert_ldm_vae_checkpoint(_under(_VAE, tensors), configs["vae"]),
        }
        words = _under(_TEXT, tensors)
        if any(name.startswith(_TEXT + "model.") for name in words):
            text = convert.convert_open_clip_checkpoint(made["text_encoder"], words)
            text.pop("text_projection.weight", None)
        else:
            text = convert.convert_ldm_clip_checkpoint(words)
    except (KeyError, IndexError, AttributeError, ValueError, TypeError, RuntimeError) as error:
        reason = first_line(error)[:100]
        raise WeightsError(f"{path}: cannot be converted ({reason}); give a full checkpoint") from None
    prefix = "text_model." if wrapped else ""
    parts["text_encoder"] = {prefix + name.removeprefix("text_model."): each for name, each in text.items()}
    return parts


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
