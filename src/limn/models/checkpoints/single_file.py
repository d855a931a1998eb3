"""One safetensors file with the keys of the original latent diffusion code.

The file holds weights only. What they mean is taken from a model folder given or lying beside the file, and
otherwise from what is published of Stable Diffusion 1.x, 2.x and XL, told apart by the width of their text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.configurations import MAX_CONFIG, read_json
from limn.io.files import first_line, read_bounded, sha256_of
from limn.kernel.errors import WeightsError
from limn.models import memory
from limn.models.checkpoints.shared.configs import Configs, check_together, config_path, read_part
from limn.models.checkpoints.shared.networks import Networks, blank, fill, precision, shapes_of
from limn.models.checkpoints.shared.published import DISTILLED, PUBLISHED, V2
from limn.models.checkpoints.shared.tokenizer import find_tokenizer
from limn.networks.weights import check_names, read_header, read_tensors
from limn.personalise.learned import metadata

_PREDICTIONS: Final = {
    "v": "v_prediction", "v_prediction": "v_prediction", "eps": "epsilon", "epsilon": "epsilon", "x0": "sample",
}  # fmt: skip
_UNET: Final = "model.diffusion_model."
_VAE: Final = "first_stage_model."
_TEXT: Final = "cond_stage_model."
_TEXTS: Final = "conditioner.embedders."
# Everything but the networks is left out: averages kept for training, noise tables, losses.
_SKIPPED: Final = (
    r"^(?!model\.diffusion_model\.|first_stage_model\.|cond_stage_model\.|conditioner\.embedders\.)"
    r"|position_ids$|\.loss\.|\.logit_scale$"
)
_READ: Final = r"^(?!cond_stage_model\.|conditioner\.embedders\.)|position_ids$|\.logit_scale$"


_ALONE: Final = {
    "double_blocks.": "FLUX", "joint_blocks.": "Stable Diffusion 3", "cap_embedder.": "Z-Image",
    "img_mod.": "Qwen-Image",
}  # fmt: skip
"""What only the transformer of a family has in its names."""


def family_of(path: Path) -> str:
    """Return the module of the family that a file belongs to.

    Raises:
        WeightsError: It is damaged, or holds a transformer.
    """
    names = read_header(path)
    for mark, family in _ALONE.items():
        if any(mark in name for name in names):
            raise WeightsError(
                f"{path}: holds the transformer of {family}; limn reads that from a folder in "
                "diffusers' format (limn pull OWNER/NAME)"
            )
    return "sdxl" if any(name.startswith(_TEXTS) for name in names) else "stable_diffusion"


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
    if odd := sorted(name for name in shapes if name.startswith("edm_")):
        raise WeightsError(f"{path}: has {odd[0]}: noise levels of EDM, which limn does not have for such a U-Net")
    width, texts = _text_width(path, shapes), _texts(shapes)
    named = ("unet", "vae", *texts, "scheduler")
    home, words = _tokenizer(path, given)
    said = {part: read_part(home, part) for part in named if config_path(home, part).exists()}
    known = _known(path, shapes, width, said) if set(PUBLISHED.get(width, {})) == set(named) else {}
    parts = {**known, **said}
    if lacking := [part for part in named if part not in parts]:
        raise WeightsError(
            f"{path}: neither Stable Diffusion 1.x nor 2.x nor XL by its shapes; "
            f"put its configuration at {config_path(home, lacking[0])}, and that of its other parts likewise"
        )
    pad = None if next(iter(texts)) in said else {768: "<|endoftext|>", 1024: "!"}.get(width)
    configs = Configs({part: parts[part] for part in named}, pad=pad, index=_index(home, texts))
    check_together(path, configs)
    return configs, words


def _index(home: Path, texts: Mapping[str, str]) -> Mapping[str, Any]:
    """Return what the index of the model folder beside the file says, or what is published of SDXL."""
    alone = "text_encoder" not in texts
    known = {"force_zeros_for_empty_prompt": not alone, "requires_aesthetics_score": alone}
    index = home / "model_index.json"
    return {**known, **(read_json(index) if index.exists() else {})}


def _texts(shapes: Mapping[str, Any]) -> dict[str, str]:
    """Return where the tensors of each text encoder begin, in the order in which their words stand."""
    if not any(name.startswith(_TEXTS) for name in shapes):
        return {"text_encoder": _TEXT}
    places = {name.removeprefix(_TEXTS).split(".")[0] for name in shapes if name.startswith(_TEXTS)}
    parts = ("text_encoder_2",) if places == {"0"} else ("text_encoder", "text_encoder_2")
    return {part: f"{_TEXTS}{place}." for place, part in enumerate(parts)}


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
    known = dict(PUBLISHED[width])
    for name, distilled in DISTILLED.items():
        if width > 768 and name in path.name.lower():
            changes = {"_class_name": distilled, "timestep_spacing": "trailing", "steps_offset": 1}
            known["scheduler"] = {**known["scheduler"], "prediction_type": "epsilon", **changes}
    first = shapes.get(f"{_UNET}input_blocks.0.0.weight", ())
    if len(first) == 4 and first[1] == 9:  # an inpainting model
        known["unet"] = {**known["unet"], "in_channels": 9}
    told = prediction_of(path)
    if told:
        known["scheduler"] = {**known["scheduler"], "prediction_type": told}
    elif "v_pred" in shapes:
        marks = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": "ztsnr" in shapes}
        known["scheduler"] = {**known["scheduler"], **marks}
    elif width == 1024 and "scheduler" not in said and known["scheduler"] is V2["scheduler"]:
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
    made = {part: blank(part, fields, path) for part, fields in configs.parts.items() if part != "scheduler"}
    shapes = {name: shape for name, (_, shape) in read_header(path).items() if not re.search(_SKIPPED, name)}
    # The conversion is tried on shapes alone first, so that nothing large is read in vain.
    outline = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    for part, network in made.items():
        own = {name: tuple(each.shape) for name, each in _converted(path, part, outline, configs, network).items()}
        check_names(f"{path} ({part})", own, shapes_of(network))
    side = 8 * configs["unet"]["sample_size"]
    memory.check(str(path), [path], dtype.itemsize, (side, side))
    tensors = read_tensors(path, skip=_SKIPPED, dtype=dtype)

    def filled(part: str, tensors: Mapping[str, Tensor]) -> None:
        weights = _converted(path, part, tensors, configs, made[part])
        own = precision(part, configs, dtype)
        fill(made[part], {name: weight.to(own) for name, weight in weights.items()}, device)

    for part in made:
        filled(part, tensors)
    again = {
        part: partial(lambda part: filled(part, read_tensors(path, skip=_READ, dtype=dtype)), part)
        for part in configs.texts
    }
    return Networks(made, hashes=[sha256_of(path)], again=again)


def _text_width(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> int:
    for prefixes, what in (((_UNET,), "U-Net"), ((_VAE,), "VAE"), ((_TEXT, _TEXTS), "text encoder")):
        if not any(name.startswith(prefixes) for name in shapes):
            raise WeightsError(f"{path}: holds no {what} ({prefixes[0]}*); give a full Stable Diffusion checkpoint")
    widths = {shape[-1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight") and len(shape) == 2}
    if len(widths) != 1:
        raise WeightsError(f"{path}: its U-Net has no single width of text; give a Stable Diffusion checkpoint")
    return widths.pop()


def _converted(
    path: Path, part: str, tensors: Mapping[str, Tensor], configs: Configs, network: Any
) -> dict[str, Tensor]:
    """Rename the tensors of a part, with diffusers' own conversion."""
    from diffusers.loaders import single_file_utils as convert

    try:
        if part == "unet":
            unet = {"layers_per_block": 2, **configs["unet"]}
            return dict(convert.convert_ldm_unet_checkpoint(_under(_UNET, tensors), unet))
        if part == "vae":
            return dict(convert.convert_ldm_vae_checkpoint(_under(_VAE, tensors), configs["vae"]))
        begins = _texts(tensors)[part]
        words = {name.removeprefix(begins): tensor for name, tensor in _under(begins, tensors).items()}
        if any(name.startswith("model.") for name in words):
            text = convert.convert_open_clip_checkpoint(network, words, prefix="model.")
        else:
            text = {name.removeprefix("transformer."): tensor for name, tensor in words.items()}
    except (KeyError, IndexError, AttributeError, ValueError, TypeError, RuntimeError) as error:
        reason = first_line(error)[:100]
        raise WeightsError(f"{path}: cannot be converted ({reason}); give a full checkpoint") from None
    projects = "text_projection.weight" in network.state_dict()
    prefix = "text_model." if hasattr(network, "text_model") else ""
    return {
        name if name == "text_projection.weight" else prefix + name.removeprefix("text_model."): tensor
        for name, tensor in text.items()
        if projects or name != "text_projection.weight"
    }


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
