"""Hostile and mixed-up model folders are refused before anything large is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limn.kernel.errors import WeightsError
from limn.models import checkpoints
from limn.models.checkpoints.shared.configs import read_configs
from limn.models.checkpoints.shared.published import V1, V2

FILES = {
    "index": "model_index.json",
    "unet": "unet/config.json",
    "vae": "vae/config.json",
    "text_encoder": "text_encoder/config.json",
    "scheduler": "scheduler/scheduler_config.json",
}


def refuse(folder: Path, match: str) -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        checkpoints.load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", FILES)
@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"auto_map": {"AutoModel": "evil.Evil"}}, "auto_map asks to run code"),
        ({"trust_remote_code": True}, "trust_remote_code asks to run code"),
        ({"_attn_implementation_internal": "evil/kernel"}, "_attn_implementation_internal asks to run code"),
    ],
)
def test_unknown_fields_and_code_are_refused(copy: Path, part: str, fields: dict[str, Any], match: str) -> None:
    path = copy / FILES[part]
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    refuse(copy, match)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("unet", "block_out_channels", [10**9, 10**9]),
        ("unet", "block_out_channels", [320] * 1000),
        ("unet", "cross_attention_dim", 10**9),
        ("unet", "layers_per_block", 10**6),
        ("unet", "layers_per_block", -1),
        ("unet", "layers_per_block", True),
        ("unet", "layers_per_block", "2"),
        ("unet", "down_block_types", ["AttnDownBlock2D", "DownBlock2D"]),
        ("unet", "class_embed_type", "projection"),
        ("unet", "norm_eps", "1e-5"),
        ("unet", "_class_name", "UNet2DModel"),
        ("vae", "latent_channels", 10**9),
        ("vae", "scaling_factor", 0),
        ("vae", "block_out_channels", []),
        ("text_encoder", "hidden_size", 10**9),
        ("text_encoder", "vocab_size", 10**12),
        ("text_encoder", "num_hidden_layers", 10**6),
        ("text_encoder", "hidden_act", "os.system"),
        ("text_encoder", "architectures", ["EvilModel"]),
        ("scheduler", "num_train_timesteps", 10**9),
        ("scheduler", "beta_start", -1),
        ("scheduler", "prediction_type", "wild"),
        ("scheduler", "trained_betas", [0.1]),
        ("index", "unet", ["evil", "UNet2DConditionModel"]),
        ("index", "text_encoder", ["transformers", "T5EncoderModel"]),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(copy: Path, part: str, field: str, value: Any) -> None:
    path = copy / FILES[part]
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    refuse(copy, f"{path.name}: {field} is .*; limn takes ")


def test_an_unknown_pipeline_is_named(copy: Path) -> None:
    path = copy / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"_class_name": "KandinskyPipeline"}))
    refuse(copy, "_class_name: unknown pipeline 'KandinskyPipeline'")


@pytest.mark.parametrize("part", FILES)
@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, "<html>", "\xff"])
def test_what_is_no_json_object_is_refused(copy: Path, part: str, text: str) -> None:
    (copy / FILES[part]).write_text(text, encoding="latin-1")
    refuse(copy, f"{Path(FILES[part]).name}: .*JSON")


@pytest.mark.parametrize("part", [part for part in FILES if part != "index"])
def test_missing_files_and_fields_are_named(copy: Path, part: str) -> None:
    path = copy / FILES[part]
    fields = json.loads(path.read_text())
    needed = {
        "unet": "block_out_channels",
        "vae": "latent_channels",
        "text_encoder": "vocab_size",
        "scheduler": "_class_name",
    }
    path.write_text(json.dumps({name: value for name, value in fields.items() if name != needed[part]}))
    refuse(copy, f"{needed[part]} is missing")
    path.unlink()
    refuse(copy, f"{path.name}: no such file")


@pytest.mark.parametrize(
    ("part", "changes", "match"),
    [
        ("unet", {"in_channels": 7}, "upscaling and other models that read further pictures are not read"),
        ("vae", {"latent_channels": 16}, "16 latent channels"),
        ("unet", {"cross_attention_dim": 24}, "parts of two models are mixed"),
        ("unet", {"norm_num_groups": 7}, "contradict each other"),
        ("unet", {"up_block_types": ["UpBlock2D"]}, "contradict each other"),
        ("text_encoder", {"num_attention_heads": 5}, "contradict each other"),
        ("unet", {"block_out_channels": [8, 32]}, "unet.*has shape .*expected|unet.*tensors matched"),
        ("unet", {"layers_per_block": 1}, r"unet.* tensors matched, 0 missing, \d+ unexpected"),
        ("vae", {"layers_per_block": 3}, r"vae.* tensors matched, \d+ missing, 0 unexpected"),
        ("text_encoder", {"num_hidden_layers": 3}, r"text_encoder.*36 tensors matched, 16 missing, 0 unexpected"),
    ],
)
def test_parts_that_do_not_fit_are_refused(copy: Path, part: str, changes: dict[str, Any], match: str) -> None:
    path = copy / FILES[part]
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    refuse(copy, match)


def test_bounds_are_checked_before_memory_is_taken(copy: Path, checkpoint: Callable[..., Path]) -> None:
    """The largest shapes the schema allows would be 100 GB; only the file's own size is ever read."""
    path = copy / FILES["text_encoder"]
    fields = {"hidden_size": 4096, "intermediate_size": 16384, "vocab_size": 200_000, "num_hidden_layers": 48}
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    unet = copy / FILES["unet"]
    unet.write_text(json.dumps(json.loads(unet.read_text()) | {"cross_attention_dim": 4096}))
    refuse(copy, "tensors matched|has shape")


PUBLISHED: dict[int, dict[str, dict[str, Any]]] = {
    1: {
        "index": {
            "_class_name": "StableDiffusionPipeline",
            "_diffusers_version": "0.6.0",
            "feature_extractor": ["transformers", "CLIPImageProcessor"],
            "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
            "scheduler": ["diffusers", "PNDMScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
        "unet": {
            "_class_name": "UNet2DConditionModel",
            "_diffusers_version": "0.6.0",
            "act_fn": "silu",
            "attention_head_dim": 8,
            "block_out_channels": [320, 640, 1280, 1280],
            "center_input_sample": False,
            "cross_attention_dim": 768,
            "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
            "downsample_padding": 1,
            "flip_sin_to_cos": True,
            "freq_shift": 0,
            "in_channels": 4,
            "layers_per_block": 2,
            "mid_block_scale_factor": 1,
            "norm_eps": 1e-05,
            "norm_num_groups": 32,
            "out_channels": 4,
            "sample_size": 64,
            "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
        },
        "vae": {
            "_class_name": "AutoencoderKL",
            "_diffusers_version": "0.6.0",
            "act_fn": "silu",
            "block_out_channels": [128, 256, 512, 512],
            "down_block_types": ["DownEncoderBlock2D"] * 4,
            "in_channels": 3,
            "latent_channels": 4,
            "layers_per_block": 2,
            "norm_num_groups": 32,
            "out_channels": 3,
            "sample_size": 512,
            "up_block_types": ["UpDecoderBlock2D"] * 4,
        },
        "text_encoder": {
            "_name_or_path": "openai/clip-vit-large-patch14",
            "architectures": ["CLIPTextModel"],
            "attention_dropout": 0.0,
            "bos_token_id": 0,
            "dropout": 0.0,
            "eos_token_id": 2,
            "hidden_act": "quick_gelu",
            "hidden_size": 768,
            "initializer_factor": 1.0,
            "initializer_range": 0.02,
            "intermediate_size": 3072,
            "layer_norm_eps": 1e-05,
            "max_position_embeddings": 77,
            "model_type": "clip_text_model",
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "pad_token_id": 1,
            "projection_dim": 768,
            "torch_dtype": "float32",
            "transformers_version": "4.22.0.dev0",
            "vocab_size": 49408,
        },
        "scheduler": {
            "_class_name": "PNDMScheduler",
            "_diffusers_version": "0.6.0",
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "clip_sample": False,
            "num_train_timesteps": 1000,
            "set_alpha_to_one": False,
            "skip_prk_steps": True,
            "steps_offset": 1,
            "trained_betas": None,
        },
    },
}
PUBLISHED[2] = {
    **PUBLISHED[1],
    "index": {**PUBLISHED[1]["index"], "requires_safety_checker": False, "safety_checker": [None, None]},
    "unet": {
        **PUBLISHED[1]["unet"],
        "attention_head_dim": [5, 10, 20, 20],
        "cross_attention_dim": 1024,
        "dual_cross_attention": False,
        "num_class_embeds": None,
        "only_cross_attention": False,
        "sample_size": 96,
        "upcast_attention": True,
        "use_linear_projection": True,
    },
    "text_encoder": {
        **PUBLISHED[1]["text_encoder"],
        "hidden_act": "gelu",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 23,
        "projection_dim": 512,
    },
    "scheduler": {
        **PUBLISHED[1]["scheduler"],
        "_class_name": "DDIMScheduler",
        "prediction_type": "v_prediction",
    },
}


@pytest.mark.parametrize("version", PUBLISHED)
def test_the_published_configurations_are_read_and_are_those_of_single_files(tmp_path: Path, version: int) -> None:
    for part, fields in PUBLISHED[version].items():
        path = tmp_path / FILES[part]
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(fields))
    found = read_configs(tmp_path)
    for part, said in (V1 if version == 1 else V2).items():
        inside = {"sample_size", "prediction_type", "_class_name"}
        assert all(found[part][name] == value for name, value in said.items() if name not in inside), part
