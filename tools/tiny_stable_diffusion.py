"""Build small Stable Diffusion checkpoints with random weights, in diffusers' folder format.

They draw nothing sensible; they are there to compare programs on equal weights.
Run it as: python tools/tiny_stable_diffusion.py FOLDER [--size 6m] [--seed 0] [--prediction v_prediction]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from limn.networks.weights import write_tensors

__all__ = ["build"]

WORDS = ("a", "red", "heart", "blue", "cat", "dog", "photo", "of", "the", "and", "blurry")
START, END = "<|startoftext|>", "<|endoftext|>"
SIZES: Mapping[str, Mapping[str, Any]] = {
    "tiny": {"unet": [8, 16], "text": 16, "layers": 2, "vae": [4, 4, 8, 8], "sample": 8, "groups": 4},
    "6m": {"unet": [64, 96, 112], "text": 64, "layers": 4, "vae": [16, 16, 32, 32], "sample": 16, "groups": 8},
}
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.36.0",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def build(
    folder: Path,
    size: str = "tiny",
    seed: int = 0,
    *,
    prediction: str = "epsilon",
    version: int = 1,
    inpainting: bool = False,
) -> Path:
    """Write a checkpoint.

    Args:
        folder: Where; made when it is not there.
        size: ``"tiny"``, for tests, or ``"6m"``, with a U-Net of six million weights, for timings.
        seed: Decides the weights.
        prediction: ``"epsilon"`` or ``"v_prediction"``.
        version: 1 or 2; the second projects with matrices in the transformer blocks.
        inpainting: Whether the U-Net has nine input channels.

    Returns:
        The folder.
    """
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    folder = Path(folder)
    configs = _configs(SIZES[size], _write_tokenizer(folder / "tokenizer"), prediction, version)
    configs["unet"] |= {"in_channels": 9} if inpainting else {}
    kind = "StableDiffusionInpaintPipeline" if inpainting else "StableDiffusionPipeline"
    _write_json(folder / "model_index.json", INDEX | {"_class_name": kind})
    _write_json(folder / "scheduler" / "scheduler_config.json", configs["scheduler"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = {
            "unet": UNet2DConditionModel(**_arguments(configs["unet"])),
            "vae": AutoencoderKL(**_arguments(configs["vae"])),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**_arguments(configs["text_encoder"]))),
        }
    for part, network in networks.items():
        _write_json(folder / part / "config.json", configs[part])
        # Checkpoints of the text encoder carry this prefix, whatever today's class calls its tensors.
        prefix = "text_model." if part == "text_encoder" else ""
        tensors = {prefix + name.removeprefix(prefix): each for name, each in network.state_dict().items()}
        name = "model" if part == "text_encoder" else "diffusion_pytorch_model"
        write_tensors(folder / part / f"{name}.safetensors", tensors, {"format": "pt"})
    return folder


def _configs(size: Mapping[str, Any], tokens: int, prediction: str, version: int) -> dict[str, dict[str, Any]]:
    deep, levels = len(size["unet"]), len(size["vae"])
    unet = {
        "_class_name": "UNet2DConditionModel",
        "_diffusers_version": "0.36.0",
        "sample_size": size["sample"],
        "block_out_channels": size["unet"],
        "down_block_types": ["CrossAttnDownBlock2D"] * (deep - 1) + ["DownBlock2D"],
        "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * (deep - 1),
        "layers_per_block": 2,
        "cross_attention_dim": size["text"],
        "attention_head_dim": 2 if version == 1 else [2] * deep,
        "norm_num_groups": size["groups"],
        "use_linear_projection": version == 2,
    }
    vae = {
        "_class_name": "AutoencoderKL",
        "_diffusers_version": "0.36.0",
        "sample_size": size["sample"] * 2 ** (levels - 1),
        "block_out_channels": size["vae"],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "latent_channels": 4,
        "layers_per_block": 2,
        "norm_num_groups": 4,
        "scaling_factor": 0.18215,
    }
    text = {
        "architectures": ["CLIPTextModel"],
        "model_type": "clip_text_model",
        "vocab_size": tokens,
        "hidden_size": size["text"],
        "intermediate_size": 4 * size["text"],
        "num_hidden_layers": size["layers"],
        "num_attention_heads": 2,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu" if version == 1 else "gelu",
        "bos_token_id": tokens - 2,
        "eos_token_id": tokens - 1,
        "pad_token_id": tokens - 1,
    }
    scheduler = {
        "_class_name": "DDIMScheduler",
        "_diffusers_version": "0.36.0",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "prediction_type": prediction,
    }
    return {"unet": unet, "vae": vae, "text_encoder": text, "scheduler": scheduler}


def _write_tokenizer(folder: Path) -> int:
    """Write a byte-level vocabulary that joins the letters of a few words; return its size."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    pieces, merges = [*letters, *(letter + "</w>" for letter in letters)], []
    for word in WORDS:
        whole = [*word[:-1], word[-1] + "</w>"]
        while len(whole) > 1:
            merges.append(f"{whole[0]} {whole[1]}")
            whole[:2] = [whole[0] + whole[1]]
            pieces.append(whole[0])
    pieces, merges = [*dict.fromkeys(pieces), START, END], list(dict.fromkeys(merges))
    special = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
    _write_json(folder / "vocab.json", {piece: place for place, piece in enumerate(pieces)})
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    _write_json(folder / "special_tokens_map.json", special)
    _write_json(
        folder / "tokenizer_config.json", special | {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    )
    return len(pieces)


def _arguments(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: each for name, each in fields.items() if name[0] != "_" and name not in ("architectures", "model_type")
    }


def _write_json(path: Path, fields: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields, indent=2), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=sorted(SIZES), default="tiny")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prediction", choices=["epsilon", "v_prediction"], default="epsilon")
    options = parser.parse_args()
    print(build(options.folder, options.size, options.seed, prediction=options.prediction))


if __name__ == "__main__":
    main()
