"""Configurations of Stable Diffusion 1.x and 2.x: closed schemas, and what a single file leaves unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.configurations import FLAG, Rule, check_fields, either, many, number, one_of, read_json, text, whole
from limn.kernel.errors import WeightsError

_NULL: Final = one_of(None)
_OFF: Final = one_of(False, None)
_WIDTHS: Final = many(whole(4, 4096), 6)
_HEADS: Final = either(whole(1, 1024), many(whole(1, 1024), 6))
_COMMON: Final = {"_class_name": text(), "_diffusers_version": text(), "_name_or_path": text()}

_UNET: Final[Mapping[str, Rule]] = _COMMON | {
    "_class_name": one_of("UNet2DConditionModel"),
    "act_fn": one_of("silu", "swish", "gelu"),
    "addition_embed_type": _NULL,
    "addition_embed_type_num_heads": one_of(64),
    "addition_time_embed_dim": _NULL,
    "attention_head_dim": _HEADS,
    "attention_type": one_of("default"),
    "block_out_channels": _WIDTHS,
    "center_input_sample": FLAG,
    "class_embed_type": _NULL,
    "class_embeddings_concat": _OFF,
    "conv_in_kernel": one_of(3),
    "conv_out_kernel": one_of(3),
    "cross_attention_dim": whole(4, 4096),
    "cross_attention_norm": _NULL,
    "down_block_types": many(one_of("CrossAttnDownBlock2D", "DownBlock2D"), 6),
    "downsample_padding": one_of(1),
    "dropout": number(0, 1),
    "dual_cross_attention": _OFF,
    "encoder_hid_dim": _NULL,
    "encoder_hid_dim_type": _NULL,
    "flip_sin_to_cos": FLAG,
    "freq_shift": whole(0, 1),
    "in_channels": whole(1, 64),
    "layers_per_block": whole(1, 8),
    "mid_block_only_cross_attention": _OFF,
    "mid_block_scale_factor": number(0.001, 1000),
    "mid_block_type": one_of("UNetMidBlock2DCrossAttn"),
    "norm_eps": number(1e-12, 1),
    "norm_num_groups": whole(1, 512),
    "num_attention_heads": either(_NULL, _HEADS),
    "num_class_embeds": _NULL,
    "only_cross_attention": either(_OFF, many(one_of(False), 6)),
    "out_channels": whole(1, 64),
    "projection_class_embeddings_input_dim": _NULL,
    "resnet_out_scale_factor": number(0.001, 1000),
    "resnet_skip_time_act": _OFF,
    "resnet_time_scale_shift": one_of("default"),
    "reverse_transformer_layers_per_block": _NULL,
    "sample_size": whole(1, 256),
    "time_cond_proj_dim": _NULL,
    "time_embedding_act_fn": _NULL,
    "time_embedding_dim": either(_NULL, whole(4, 8192)),
    "time_embedding_type": one_of("positional"),
    "timestep_post_act": _NULL,
    "transformer_layers_per_block": whole(1, 8),
    "up_block_types": many(one_of("CrossAttnUpBlock2D", "UpBlock2D"), 6),
    "upcast_attention": either(FLAG, _NULL),
    "use_linear_projection": FLAG,
}
_VAE: Final[Mapping[str, Rule]] = _COMMON | {
    "_class_name": one_of("AutoencoderKL"),
    "act_fn": one_of("silu", "swish", "gelu"),
    "block_out_channels": _WIDTHS,
    "down_block_types": many(one_of("DownEncoderBlock2D"), 6),
    "force_upcast": FLAG,
    "in_channels": one_of(3),
    "latent_channels": whole(1, 64),
    "latents_mean": _NULL,
    "latents_std": _NULL,
    "layers_per_block": whole(1, 8),
    "mid_block_add_attention": one_of(True),
    "norm_num_groups": whole(1, 512),
    "out_channels": one_of(3),
    "sample_size": whole(1, 4096),
    "scaling_factor": number(1e-6, 1e6),
    "shift_factor": _NULL,
    "up_block_types": many(one_of("UpDecoderBlock2D"), 6),
    "use_post_quant_conv": one_of(True),
    "use_quant_conv": one_of(True),
}
_TEXT: Final[Mapping[str, Rule]] = {
    "_name_or_path": text(),
    "architectures": many(one_of("CLIPTextModel"), 1),
    "attention_dropout": number(0, 1),
    "bos_token_id": whole(0, 200_000),
    "dropout": number(0, 1),
    "dtype": text(),
    "eos_token_id": whole(0, 200_000),
    "hidden_act": one_of("quick_gelu", "gelu"),
    "hidden_size": whole(4, 4096),
    "initializer_factor": number(0, 1000),
    "initializer_range": number(0, 1000),
    "intermediate_size": whole(4, 16384),
    "layer_norm_eps": number(1e-12, 1),
    "max_position_embeddings": whole(4, 1024),
    "model_type": one_of("clip_text_model"),
    "num_attention_heads": whole(1, 64),
    "num_hidden_layers": whole(1, 48),
    "pad_token_id": whole(0, 200_000),
    "projection_dim": whole(1, 4096),
    "torch_dtype": text(),
    "transformers_version": text(),
    "use_attention_mask": _OFF,
    "vocab_size": whole(4, 200_000),
}
_SCHEDULER: Final[Mapping[str, Rule]] = _COMMON | {
    "algorithm_type": one_of("dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"),
    "beta_end": number(1e-9, 0.999),
    "beta_schedule": one_of("linear", "scaled_linear", "squaredcos_cap_v2"),
    "beta_start": number(1e-9, 0.999),
    "clip_sample": FLAG,
    "clip_sample_range": number(0, 1000),
    "disable_corrector": one_of([]),
    "dynamic_thresholding_ratio": number(0, 1),
    "euler_at_final": FLAG,
    "final_sigmas_type": one_of("zero"),
    "flow_shift": number(0, 1000),
    "interpolation_type": one_of("linear"),
    "lambda_min_clipped": either(number(-1e9, 1e9), _NULL),
    "lower_order_final": FLAG,
    "num_train_timesteps": whole(2, 100_000),
    "predict_x0": FLAG,
    "prediction_type": one_of("epsilon", "v_prediction", "sample"),
    "rescale_betas_zero_snr": FLAG,
    "sample_max_value": number(0, 1000),
    "set_alpha_to_one": FLAG,
    "sigma_max": _NULL,
    "sigma_min": _NULL,
    "skip_prk_steps": FLAG,
    "solver_order": whole(1, 3),
    "solver_p": _NULL,
    "solver_type": one_of("midpoint", "heun", "bh1", "bh2", "logrho"),
    "steps_offset": whole(0, 1),
    "thresholding": one_of(False),
    "time_shift_type": one_of("exponential"),
    "original_inference_steps": one_of(50),
    "timestep_scaling": number(1e-3, 1e6),
    "timestep_spacing": one_of("leading", "trailing", "linspace"),
    "timestep_type": one_of("discrete"),
    "trained_betas": _NULL,
    "use_beta_sigmas": either(FLAG, _NULL),
    "use_dynamic_shifting": _OFF,
    "use_exponential_sigmas": either(FLAG, _NULL),
    "use_flow_sigmas": _OFF,
    "use_karras_sigmas": either(FLAG, _NULL),
    "use_lu_lambdas": _OFF,
    "variance_type": one_of(None, "fixed_small"),
}
_PAIR: Final = many(either(text(100), _NULL), 2)
_INDEX: Final[Mapping[str, Rule]] = _COMMON | {
    "_class_name": one_of(
        "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"
    ),
    "feature_extractor": _PAIR,
    "image_encoder": one_of([None, None]),
    "requires_safety_checker": FLAG,
    "safety_checker": _PAIR,
    "scheduler": _PAIR,
    "text_encoder": one_of(["transformers", "CLIPTextModel"]),
    "tokenizer": one_of(["transformers", "CLIPTokenizer"], ["transformers", "CLIPTokenizerFast"]),
    "unet": one_of(["diffusers", "UNet2DConditionModel"]),
    "vae": one_of(["diffusers", "AutoencoderKL"]),
}
_REQUIRED: Final = {
    "unet": ("block_out_channels", "cross_attention_dim", "down_block_types", "sample_size", "up_block_types"),
    "vae": ("block_out_channels", "down_block_types", "latent_channels", "up_block_types"),
    "text_encoder": ("hidden_size", "max_position_embeddings", "num_hidden_layers", "vocab_size"),
    "scheduler": ("_class_name", "beta_end", "beta_schedule", "beta_start", "num_train_timesteps"),
}
_RULES: Final = {"unet": _UNET, "vae": _VAE, "text_encoder": _TEXT, "scheduler": _SCHEDULER}


@dataclass(frozen=True)
class Configs:
    """The configurations of a model's parts; checked.

    Args:
        parts: Fields by part: ``unet``, ``vae``, ``text_encoder`` and ``scheduler``.
        pad: The token that fills short prompts up; ``None`` for what the tokenizer's files say.
    """

    parts: Mapping[str, Mapping[str, Any]]
    pad: str | None = None

    def __getitem__(self, part: str) -> Mapping[str, Any]:
        return self.parts[part]

    @property
    def paints(self) -> bool:
        """Whether the U-Net also reads what is known of a picture: a mask, and latents with the hole grey."""
        return bool(self["unet"].get("in_channels", 4) > self["vae"]["latent_channels"])


def config_path(folder: Path, part: str) -> Path:
    """Return where a part's configuration lies in a model folder."""
    return folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")


def read_part(folder: Path, part: str) -> dict[str, Any]:
    """Read and check the configuration of one part.

    Args:
        folder: The model folder.
        part: ``unet``, ``vae``, ``text_encoder`` or ``scheduler``.

    Raises:
        WeightsError: the file is missing or damaged, or a field is unknown, unsafe, out of bounds or missing.
    """
    path = config_path(folder, part)
    fields = read_json(path)
    check_fields(path, fields, _RULES[part], _REQUIRED[part])
    return fields


def read_configs(folder: Path) -> Configs:
    """Read and check all configurations of a model folder, ``model_index.json`` first.

    Raises:
        WeightsError: as :func:`read_part`, or the folder is of another kind of model.
    """
    index = folder / "model_index.json"
    check_fields(index, read_json(index), _INDEX, ("_class_name", "text_encoder", "tokenizer", "unet", "vae"))
    configs = Configs({part: read_part(folder, part) for part in _RULES})
    check_together(folder, configs)
    return configs


def check_together(source: Path, configs: Configs) -> None:
    """Check that the parts belong together.

    Raises:
        WeightsError: they do not, or the model reads pictures other than what is known of the one it draws.
    """
    unet, channels, width = (
        configs["unet"],
        configs["vae"]["latent_channels"],
        configs["text_encoder"]["hidden_size"],
    )
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
