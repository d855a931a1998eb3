"""Configurations of checkpoints: closed by the library class's own signature and by what limn understands of it.

A field that limn understands keeps its rule. Any other must be one that the class takes, with the value that it has
there when it is left out; so a newer library's fields are read as long as they change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.configurations import FLAG, Rule, check_fields, either, many, number, one_of, read_json, text, whole
from limn.kernel.errors import WeightsError
from limn.models.checkpoints.shared.schedule import RULES as SCHEDULER_RULES
from limn.models.checkpoints.shared.schedule import SCHEDULERS
from limn.models.checkpoints.shared.signature import defaults
from limn.networks import bitsandbytes

_NULL: Final = one_of(None)
_OFF: Final = one_of(False, None)
_WIDTHS: Final = many(whole(4, 4096), 6)
_HEADS: Final = either(whole(1, 1024), many(whole(1, 1024), 6))
_MEANS: Final = either(_NULL, many(number(-1000, 1000), 64))
_DEPTHS: Final = whole(1, 16)
_NOTES: Final = {"_class_name": text(), "_diffusers_version": text(), "_name_or_path": text()}
_ACTIVATIONS: Final = one_of("silu", "swish", "gelu", "relu")
_ANYTHING: Final = Rule("anything", lambda value: True)

RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    "UNet2DConditionModel": {
        "act_fn": _ACTIVATIONS,
        "addition_embed_type": one_of(None, "text_time"),
        "addition_time_embed_dim": either(_NULL, whole(2, 4096)),
        "attention_head_dim": _HEADS,
        "block_out_channels": _WIDTHS,
        "center_input_sample": FLAG,
        "class_embeddings_concat": _OFF,
        "cross_attention_dim": whole(4, 4096),
        "down_block_types": many(one_of("CrossAttnDownBlock2D", "DownBlock2D"), 6),
        "dropout": number(0, 1),
        "dual_cross_attention": _OFF,
        "flip_sin_to_cos": FLAG,
        "freq_shift": whole(0, 1),
        "in_channels": whole(1, 64),
        "layers_per_block": either(whole(1, 8), many(whole(1, 8), 6)),
        "mid_block_only_cross_attention": _OFF,
        "mid_block_scale_factor": number(0.001, 1000),
        "mid_block_type": one_of("UNetMidBlock2DCrossAttn", None),
        "norm_eps": number(1e-12, 1),
        "norm_num_groups": whole(1, 512),
        "num_attention_heads": either(_NULL, _HEADS),
        "only_cross_attention": either(_OFF, many(one_of(False), 6)),
        "out_channels": whole(1, 64),
        "projection_class_embeddings_input_dim": either(_NULL, whole(4, 16384)),
        "resnet_out_scale_factor": number(0.001, 1000),
        "resnet_skip_time_act": _OFF,
        "sample_size": whole(1, 256),
        "time_cond_proj_dim": either(_NULL, whole(2, 4096)),
        "time_embedding_dim": either(_NULL, whole(4, 8192)),
        "transformer_layers_per_block": either(_DEPTHS, many(_DEPTHS, 6)),
        "up_block_types": many(one_of("CrossAttnUpBlock2D", "UpBlock2D"), 6),
        "upcast_attention": either(FLAG, _NULL),
        "use_linear_projection": FLAG,
    },
    "AutoencoderKL": {
        "act_fn": _ACTIVATIONS,
        "block_out_channels": _WIDTHS,
        "down_block_types": many(one_of("DownEncoderBlock2D"), 6),
        "force_upcast": either(FLAG, _NULL),
        "latent_channels": whole(1, 64),
        "latents_mean": _MEANS,
        "latents_std": _MEANS,
        "layers_per_block": whole(1, 8),
        "norm_num_groups": whole(1, 512),
        "sample_size": whole(1, 4096),
        "scaling_factor": number(1e-6, 1e6),
        "shift_factor": either(_NULL, number(-1000, 1000)),
        "up_block_types": many(one_of("UpDecoderBlock2D"), 6),
        "use_post_quant_conv": FLAG,
        "use_quant_conv": FLAG,
    },
    "AutoencoderTiny": {
        "act_fn": _ACTIVATIONS,
        "block_out_channels": _WIDTHS,
        "decoder_block_out_channels": _WIDTHS,
        "encoder_block_out_channels": _WIDTHS,
        "force_upcast": either(FLAG, _NULL),
        "latent_channels": whole(1, 64),
        "num_decoder_blocks": many(_DEPTHS, 6),
        "num_encoder_blocks": many(_DEPTHS, 6),
        "scaling_factor": number(1e-6, 1e6),
        "upsample_fn": one_of("nearest"),
        "upsampling_scaling_factor": one_of(2),
    },
    "CLIPTextConfig": {
        "_name_or_path": text(),
        "architectures": many(one_of("CLIPTextModel", "CLIPTextModelWithProjection"), 1),
        "attention_dropout": number(0, 1),
        "bos_token_id": whole(0, 200_000),
        "dropout": number(0, 1),
        "dtype": text(),
        "eos_token_id": whole(0, 200_000),
        "hidden_act": one_of("quick_gelu", "gelu"),
        "hidden_size": whole(4, 4096),
        "id2label": _ANYTHING,
        "initializer_factor": number(0, 1000),
        "initializer_range": number(0, 1000),
        "intermediate_size": whole(4, 16384),
        "label2id": _ANYTHING,
        "layer_norm_eps": number(1e-12, 1),
        "max_position_embeddings": whole(4, 1024),
        "model_type": one_of("clip_text_model"),
        "num_attention_heads": whole(1, 64),
        "num_hidden_layers": whole(1, 48),
        "output_attentions": FLAG,
        "output_hidden_states": FLAG,
        "pad_token_id": whole(0, 200_000),
        "projection_dim": whole(1, 4096),
        "torch_dtype": text(),
        "transformers_version": text(),
        "use_attention_mask": _OFF,
        "vocab_size": whole(4, 200_000),
    },
}
"""What limn understands of each class's fields."""

_REQUIRED: Final = {
    "UNet2DConditionModel": (
        "block_out_channels", "cross_attention_dim", "down_block_types", "sample_size", "up_block_types",
    ),
    "AutoencoderKL": ("block_out_channels", "down_block_types", "latent_channels", "up_block_types"),
    "AutoencoderTiny": ("latent_channels",),
    "CLIPTextConfig": ("hidden_size", "max_position_embeddings", "num_hidden_layers", "vocab_size"),
}  # fmt: skip
_TEXT: Final = ("text_encoder", "text_encoder_2")
_PAIR: Final = many(either(text(100), _NULL), 2)
_ABSENT: Final = one_of([None, None])
_TOKENIZER: Final = one_of(["transformers", "CLIPTokenizer"], ["transformers", "CLIPTokenizerFast"])
_CLIP: Final = one_of(["transformers", "CLIPTextModel"], ["transformers", "CLIPTextModelWithProjection"])
_INDEX: Final[Mapping[str, Rule]] = _NOTES | {
    "feature_extractor": _PAIR,
    "force_zeros_for_empty_prompt": FLAG,
    "image_encoder": _ABSENT,
    "requires_aesthetics_score": FLAG,
    "requires_safety_checker": FLAG,
    "safety_checker": _PAIR,
    "scheduler": _PAIR,
    "text_encoder": either(_CLIP, _ABSENT),
    "text_encoder_2": _CLIP,
    "tokenizer": either(_TOKENIZER, _ABSENT),
    "tokenizer_2": _TOKENIZER,
    "unet": one_of(["diffusers", "UNet2DConditionModel"]),
    "vae": one_of(["diffusers", "AutoencoderKL"], ["diffusers", "AutoencoderTiny"]),
}


@dataclass(frozen=True)
class Configs:
    """The configurations of a model's parts; checked.

    Args:
        parts: Fields by part: ``unet``, ``vae``, ``text_encoder``, ``text_encoder_2`` and ``scheduler``.
        pad: The token that fills short prompts up; ``None`` for what the tokenizer's files say.
        index: What ``model_index.json`` says.
    """

    parts: Mapping[str, Mapping[str, Any]]
    pad: str | None = None
    index: Mapping[str, Any] | None = None

    def __getitem__(self, part: str) -> Mapping[str, Any]:
        return self.parts[part]

    @property
    def texts(self) -> tuple[str, ...]:
        """The text encoders that there are."""
        return tuple(part for part in _TEXT if part in self.parts)

    @property
    def paints(self) -> bool:
        """Whether the U-Net also reads what is known of a picture: a mask, and latents with the hole grey."""
        return bool(self["unet"].get("in_channels", 4) > self["vae"]["latent_channels"])


def config_path(folder: Path, part: str) -> Path:
    """Return where a part's configuration lies in a model folder."""
    return folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")


def kind_of(part: str, fields: Mapping[str, Any]) -> str:
    """Return the class that a part's configuration is of: what the file names, or what the part usually is."""
    if part.startswith("text_encoder"):
        return "CLIPTextConfig"
    usual = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL", "scheduler": ""}
    return str(fields.get("_class_name", usual[part]))


def usual_of(part: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part's fields, with its class's own values where the file says nothing."""
    return {**defaults(kind_of(part, fields)), **fields}


def read_part(folder: Path, part: str, path: Path | None = None) -> dict[str, Any]:
    """Read and check the configuration of one part.

    Args:
        folder: The model folder.
        part: ``unet``, ``vae``, ``text_encoder``, ``text_encoder_2`` or ``scheduler``.
        path: The file, where it is not in the part's own folder.

    Raises:
        WeightsError: the file is missing or damaged, or a field is unknown, unsafe, out of bounds or missing.
    """
    path = path or config_path(folder, part)
    fields = read_json(path, infinite=part == "scheduler", quantised=part != "scheduler")
    if "quantization_config" in fields:
        bitsandbytes.check_settings(path, fields.pop("quantization_config"))
    kinds = {"unet": ("UNet2DConditionModel",), "vae": ("AutoencoderKL", "AutoencoderTiny"), "scheduler": SCHEDULERS}
    if part in kinds:
        required = ("_class_name",) if part == "scheduler" else ()
        given = {"_class_name": fields["_class_name"]} if "_class_name" in fields else {}
        check_fields(path, given, {"_class_name": one_of(*kinds[part])}, required)
    check_closed(path, fields, kind_of(part, fields))
    return fields


def check_closed(path: Path, fields: Mapping[str, Any], kind: str) -> None:
    """Check the fields of a configuration against the class that is built of them.

    Args:
        path: The file, for the message.
        fields: What it says.
        kind: Name of the class, in diffusers or transformers.

    Raises:
        WeightsError: a field is unknown to the class, breaks limn's rule, changes what limn does not know, or is
            missing.
    """
    scheduler = kind in SCHEDULERS
    rules = SCHEDULER_RULES if scheduler else RULES[kind]
    usual = {name: _usual(value) for name, value in defaults(kind).items()}
    check_fields(path, fields, {**_NOTES, **usual, **rules}, () if scheduler else _REQUIRED[kind])


def _usual(value: Any) -> Rule:
    """Allow a class's own value; ``null`` and ``false`` mean the same where it is one of them."""
    return _OFF if value is None or value is False else one_of(value)


def read_configs(folder: Path, parts: Sequence[str] = ("unet", "vae", "text_encoder", "scheduler")) -> Configs:
    """Read and check all configurations of a model folder, ``model_index.json`` first.

    Args:
        folder: The model folder.
        parts: Which it must have.

    Raises:
        WeightsError: as :func:`read_part`, or the folder is of another kind of model.
    """
    path = folder / "model_index.json"
    index = read_json(path)
    check_fields(path, index, _INDEX, ("_class_name", *parts))
    absent = [part for part in parts if index[part] == [None, None]]
    if absent:
        raise WeightsError(f"{path}: {absent[0]} is null; this kind of model has one, get it whole")
    configs = Configs({part: read_part(folder, part) for part in parts}, index=index)
    check_together(folder, configs)
    return configs


def check_together(source: Path, configs: Configs) -> None:
    """Check that the parts belong together.

    Raises:
        WeightsError: they do not, or the model reads pictures other than what is known of the one it draws.
    """
    unet, channels = configs["unet"], configs["vae"]["latent_channels"]
    width = sum(configs[part]["hidden_size"] for part in configs.texts)
    for side, allowed in (("in_channels", (channels, 1 + 2 * channels)), ("out_channels", (channels,))):
        if unet.get(side, 4) not in allowed:
            raise WeightsError(
                f"{source}: the U-Net has {unet.get(side, 4)} {side} where the VAE has {channels} latent channels; "
                "upscaling and other models that read further pictures are not read"
            )
    if unet["cross_attention_dim"] != width:
        raise WeightsError(
            f"{source}: the U-Net reads text of width {unet['cross_attention_dim']}, the text encoder writes "
            f"{width}; the parts of two models are mixed"
        )
