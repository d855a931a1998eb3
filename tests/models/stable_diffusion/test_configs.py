"""Hostile and mixed-up model folders are refused before anything large is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limn.kernel.errors import WeightsError
from limn.models import stable_diffusion

FILES = {
    "index": "model_index.json",
    "unet": "unet/config.json",
    "vae": "vae/config.json",
    "text_encoder": "text_encoder/config.json",
    "scheduler": "scheduler/scheduler_config.json",
}


def refuse(folder: Path, match: str) -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        stable_diffusion.load(folder)
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
        ("index", "_class_name", "StableDiffusionXLPipeline"),
        ("index", "unet", ["evil", "UNet2DConditionModel"]),
        ("index", "text_encoder", ["transformers", "T5EncoderModel"]),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(copy: Path, part: str, field: str, value: Any) -> None:
    path = copy / FILES[part]
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    refuse(copy, f"{path.name}: {field} is .*; limn takes ")


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
        "scheduler": "beta_end",
    }
    path.write_text(json.dumps({name: value for name, value in fields.items() if name != needed[part]}))
    refuse(copy, f"{needed[part]} is missing")
    path.unlink()
    refuse(copy, f"{path.name}: no such file")


@pytest.mark.parametrize(
    ("part", "changes", "match"),
    [
        ("unet", {"in_channels": 9}, "inpainting and upscaling models are not read"),
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
