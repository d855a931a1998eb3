"""The tensor names of the original latent diffusion code, from those of diffusers and transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from limn.networks.weights import read_tensors, write_tensors

__all__ = ["original_names", "write_single_file"]

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
ENDS = {
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}


def unet_name(name: str, attended: Mapping[int, bool], layers: int = 2) -> str:
    """``attended`` says which up blocks have attention."""
    each = layers + 1
    parts, rest = name.split("."), ".".join(name.split(".")[4:])
    if parts[0] not in ("down_blocks", "mid_block", "up_blocks"):
        stem, _, leaf = name.rpartition(".")
        return f"{ENDS[stem]}.{leaf}"
    if parts[0] == "mid_block":
        rest = ".".join(parts[3:])
        place = 1 if parts[1] == "attentions" else 2 * int(parts[2])
        return f"middle_block.{place}.{rest if place == 1 else resnet(rest)}"
    block, kind, place = int(parts[1]), parts[2], int(parts[3])
    if kind == "downsamplers":
        return f"input_blocks.{each * (block + 1)}.0.op.{parts[-1]}"
    if kind == "upsamplers":
        return f"output_blocks.{each * block + layers}.{2 if attended[block] else 1}.conv.{parts[-1]}"
    at = (
        f"input_blocks.{1 + each * block + place}"
        if parts[0] == "down_blocks"
        else f"output_blocks.{each * block + place}"
    )
    return f"{at}.1.{rest}" if kind == "attentions" else f"{at}.0.{resnet(rest)}"


def resnet(rest: str) -> str:
    stem, _, leaf = rest.rpartition(".")
    return f"{RESNET[stem]}.{leaf}"


def vae_name(name: str, levels: int) -> str:
    parts = name.split(".")
    if "mid_block" in name:
        stem, leaf = ".".join(parts[4:-1]), parts[-1]
        if "attentions" in name:
            return f"{parts[0]}.mid.attn_1.{VAE_ATTENTION[stem]}.{leaf}"
        return f"{parts[0]}.mid.block_{int(parts[3]) + 1}.{stem.replace('conv_shortcut', 'nin_shortcut')}.{leaf}"
    if "_blocks" in name:
        way, level = parts[1].removesuffix("_blocks"), int(parts[2])
        level = level if way == "down" else levels - 1 - level
        if "samplers" in name:
            return f"{parts[0]}.{way}.{level}.{way}sample.conv.{parts[-1]}"
        rest = ".".join(parts[5:]).replace("conv_shortcut", "nin_shortcut")
        return f"{parts[0]}.{way}.{level}.block.{parts[4]}.{rest}"
    return name.replace("conv_norm_out", "norm_out")


def clip_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of open_clip, with query, key and value in one matrix."""
    found = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("text_model.")
        if not name.startswith("encoder.layers."):
            fixed = {
                "embeddings.token_embedding.weight": "token_embedding.weight",
                "embeddings.position_embedding.weight": "positional_embedding",
            }
            found[fixed.get(name, name.replace("final_layer_norm", "ln_final"))] = tensor
            continue
        layer, rest = name.split(".")[2], ".".join(name.split(".")[3:])
        stem, _, leaf = rest.rpartition(".")
        at = f"transformer.resblocks.{layer}"
        if stem == "self_attn.q_proj":
            three = [tensors[_with_prefix(tensors, name.replace("q_proj", f"{k}_proj"))] for k in "qkv"]
            found[f"{at}.attn.in_proj_{leaf}"] = torch.cat(three)
        elif stem in CLIP:
            found[f"{at}.{CLIP[stem]}.{leaf}"] = tensor
    return found


def _with_prefix(tensors: Mapping[str, Tensor], name: str) -> str:
    return name if name in tensors else "text_model." + name


def original_names(
    unet: Mapping[str, Tensor],
    vae: Mapping[str, Tensor],
    text: Mapping[str, Tensor],
    *,
    version: int,
    layers: int = 2,
) -> dict[str, Tensor]:
    """Return the tensors of one file."""
    blocks = {int(name.split(".")[1]) for name in unet if name.startswith("up_blocks.")}
    attended = {block: any(name.startswith(f"up_blocks.{block}.attentions.") for name in unet) for block in blocks}
    levels = 1 + max(int(name.split(".")[2]) for name in vae if name.startswith("encoder.down_blocks."))
    found = {f"model.diffusion_model.{unet_name(name, attended, layers)}": each for name, each in unet.items()}
    for name, each in vae.items():
        # The original attends with 1 x 1 convolutions.
        square = "attentions" in name and each.ndim == 2
        found[f"first_stage_model.{vae_name(name, levels)}"] = each[..., None, None] if square else each
    if version == 1:
        start = "cond_stage_model.transformer.text_model."
        return found | {start + name.removeprefix("text_model."): each for name, each in text.items()}
    width = text[_with_prefix(text, "final_layer_norm.weight")].shape[0]
    extra = {"text_projection": torch.zeros(width, width, device=next(iter(text.values())).device)}
    words = clip_tensors(text) | extra | {"logit_scale": torch.zeros(())}
    return found | {f"cond_stage_model.model.{name}": each for name, each in words.items()}


def write_single_file(folder: Path, path: Path, *, version: int = 1, extra: Mapping[str, Any] | None = None) -> Path:
    """Write the weights of a model folder as one file, with what such files have besides."""
    parts = [
        read_tensors(folder / part / f"{name}.safetensors")
        for part, name in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"))
    ]
    text = read_tensors(folder / "text_encoder" / "model.safetensors")
    besides = {
        "alphas_cumprod": torch.zeros(1000),
        "model_ema.decay": torch.ones(()),
        "first_stage_model.loss.logvar": torch.zeros(()),
        "cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None],
        "global_step": torch.tensor(7),
    }
    if version == 2:
        del besides["cond_stage_model.transformer.text_model.embeddings.position_ids"]
    write_tensors(path, original_names(*parts, text, version=version) | besides | dict(extra or {}))
    return path


def write_xl_file(folder: Path, path: Path, **extra: Tensor) -> Path:
    """Write a folder of SDXL, base or refiner, as one file."""
    unet, vae = (read_tensors(folder / part / "diffusion_pytorch_model.safetensors") for part in ("unet", "vae"))
    tensors = original_names(unet, vae, {}, version=1, layers=1)
    second = read_tensors(folder / "text_encoder_2" / "model.safetensors")
    projection = second.pop("text_projection.weight").T.contiguous()
    words = clip_tensors(second) | {"text_projection": projection, "logit_scale": torch.zeros(())}
    place = 0
    if (folder / "text_encoder").is_dir():
        first = read_tensors(folder / "text_encoder" / "model.safetensors")
        start, place = "conditioner.embedders.0.transformer.text_model.", 1
        tensors |= {start + name.removeprefix("text_model."): each for name, each in first.items()}
    tensors |= {f"conditioner.embedders.{place}.model.{name}": each for name, each in words.items()}
    write_tensors(path, tensors | extra)
    return path
