"""From a checkpoint to the folder that ships: averaged weights in float16, a configuration and a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import nn

from limn.data.captions import name_of
from limn.data.catalogue import from_columns
from limn.data.picture_set import load
from limn.encoders.familiar import FILE, words_of
from limn.io.atomic import write_text
from limn.io.files import sha256_of
from limn.kernel.errors import InputError
from limn.networks.attribute_reader import CONFIG as READS
from limn.networks.attribute_reader import AttributeReader
from limn.networks.autoencoder import Autoencoder
from limn.networks.dual_encoder import CONFIG, DualEncoder
from limn.networks.quantization import pack, unpack
from limn.networks.transformer import Transformer
from limn.networks.upsampler import CONFIG as ENLARGES
from limn.networks.upsampler import Upsampler
from limn.networks.vq import VQ
from limn.networks.weights import read_tensors, write_tensors
from limn.train.card import write_card, write_sums
from limn.train.checkpoint import Checkpoint
from limn.train.network import Network, averaged_of, codec_of, recipe_of, state_of
from limn.train.recipe import Recipe

__all__ = ["export"]

_FAMILIES = {
    "generator": "native",
    "distilled": "native",
    "unlearning": "native",
    "masked": "muse",
    "autoregressive": "parti",
}
_JUDGING = "It judges what looks like its data, and who is guided by it can please it without being right."
_READING = (
    "It says as what somebody is represented, in the terms of the pictograms, and errs; confusion.json counts it."
)
_ENLARGING = (
    "It adds the edges that pictograms have, so other drawings gain less and photographs may lose. It cannot bring "
    "back what a small picture does not show."
)
_ABOUT = {
    "contrastive": ("reads", _JUDGING),
    "reader": ("reads", _READING),
    "upsampling": ("enlarges", _ENLARGING),
}
"""What a network does that does not draw, and its limits."""
_DRAWS = {
    "pictograms": "emoji-like pictograms in four styles",
    "shapes": "coloured shapes that can be read back exactly",
    "people": "icons of people that can be read back exactly and resemble nobody",
}
_STYLES = {
    "3d": "a 3d render of {}",
    "flat": "{}, flat style",
    "noto": "{} in Noto style",
    "twemoji": "{} in Twemoji style",
}
_ARE = {
    "generator": "A text-to-image model",
    "distilled": "A text-to-image model that needs no guidance",
    "unlearning": "A text-to-image model that takes look-alike letters for what they look like",
    "autoencoder": "An autoencoder",
    "contrastive": "A dual encoder of pictures and texts, to judge by or to guide with",
    "vq": "A vector-quantised autoencoder",
    "masked": "A text-to-image model that draws tokens in parallel (after Muse)",
    "autoregressive": "A text-to-image model that draws token after token (after Parti)",
    "upsampling": "An upsampler: it enlarges pictograms",
    "reader": "A reader of attributes: style, skin tone, gender, profession and kind, as they are drawn",
}


def export(
    checkpoint: Path,
    folder: Path,
    *,
    figures: Mapping[str, str] | None = None,
    styles: bool = True,
    defaults: Mapping[str, Any] | None = None,
    autoencoder: str = "",
    finer: Path | None = None,
    tokens_of: str = "",
) -> None:
    """Write a model folder: weights, the autoencoder's if any, ``config.json``, hashes, card and attribution.

    Args:
        checkpoint: A training folder.
        folder: Where to; made when missing.
        figures: What was measured, by name, for the model card.
        styles: Whether the configuration names the drawing styles (pictograms only).
        defaults: How the model draws unless told otherwise: ``steps``, ``sampler``, ``scale``, ``batch``.
        autoencoder: Folder of the autoencoder that ships, if its decoder was trained on since the model learned.
        finer: Training folder of the stage that draws finer tokens from this model's.
        tokens_of: Name of a model folder beside ``folder`` that holds this model's tokenizer, which then is not
            written again.

    Raises:
        InputError: ``checkpoint`` is of such a stage, ``finer`` is of another model's, or ``tokens_of`` has other
            tokens.
        WeightsError: The checkpoint is missing or damaged, or a file cannot be written.
    """
    state = state_of(checkpoint)
    recipe, network = recipe_of(state), averaged_of(state)
    config: dict[str, Any]
    if recipe.task == "finer":
        raise InputError(f"{checkpoint}: refines another model's tokens; export that model with this as finer")
    folder.mkdir(parents=True, exist_ok=True)
    _write(network, folder / "model.safetensors", recipe)
    name = "config.json"
    if isinstance(network, DualEncoder):
        name, config, size = CONFIG, asdict(network.config), network.config.size
    elif isinstance(network, AttributeReader):
        from limn.train.calibration import held_out  # which stands on this module

        name, config, size = READS, asdict(network.config), network.config.size
        write_text(folder / "confusion.json", json.dumps(held_out(network, recipe)) + "\n")
    elif isinstance(network, Upsampler):
        name, config, size = ENLARGES, asdict(network.config), 64 * network.factor
    elif isinstance(network, Autoencoder | VQ):
        config, size = asdict(network.config), 64
    else:
        size, family = network.config.grid, _FAMILIES[recipe.task]
        config = {"family": family, "transformer": asdict(network.config)}
        if family == "native":
            config["target"] = recipe.objective.target
        if recipe.data.autoencoder:
            fields, factor = _codec(folder, recipe, autoencoder, tokens_of)
            config, size = config | fields, size * factor
        config["size"] = size
        if finer is not None:
            config["finer"] = _finer(finer, folder, recipe)
        known = {"styles": _STYLES} if styles and recipe.data.world == "pictograms" else {}
        config |= {**(defaults or {}), **known}
    write_text(folder / name, json.dumps(config, indent=1) + "\n")
    _attribute(recipe, folder)
    if recipe.task in _FAMILIES:
        _vocabulary(recipe, folder)
    write_sums(folder)
    write_card(folder, _card(recipe, network, state, figures or {}, size))


def _attribute(recipe: Recipe, folder: Path) -> None:
    """Say beside the weights whose pictures they learned from."""
    source = Path(recipe.data.folder) / "ATTRIBUTION.md"
    if recipe.data.world == "pictograms" and source.is_file():
        write_text(folder / source.name, source.read_text("utf-8"))


def _vocabulary(recipe: Recipe, folder: Path) -> None:
    """Write which words the captions have and what they name, where there are captions to read."""
    source = Path(recipe.data.folder)
    if recipe.data.world != "pictograms" or not source.is_dir():
        return
    seen = load(source, styles=recipe.data.styles or None)
    names = {name_of(from_columns(seen.columns, place, tone="")) for place in range(len(seen))}
    known = words_of(caption for captions in seen.columns["captions"] for caption in captions)
    write_text(folder / FILE, json.dumps({"known": known, "names": sorted(names)}) + "\n")


def _codec(folder: Path, recipe: Recipe, autoencoder: str, tokens_of: str) -> tuple[dict[str, Any], int]:
    """Write a model's codec, or find it; return what the configuration says of it, and pixels a cell."""
    codec = codec_of(autoencoder or recipe.data.autoencoder)
    part = "vq" if isinstance(codec, VQ) else "autoencoder"
    fields: dict[str, Any] = {part: asdict(codec.config)}
    if tokens_of:
        return fields | _shared(codec, folder, tokens_of), codec.factor
    _write(codec, folder / f"{part}.safetensors", recipe)
    return fields, codec.factor


def _shared(codec: Network, folder: Path, name: str) -> dict[str, Any]:
    """Return what the configuration says of a tokenizer that is read from another model's folder."""
    path = folder.resolve().parent / name / "vq.safetensors"
    theirs, ours = read_tensors(path), unpack(pack(codec.state_dict()))
    if theirs.keys() != ours.keys() or not all(torch.equal(theirs[each], ours[each]) for each in ours):
        raise InputError(f"tokens_of: {path} holds other tokens than this model's; export {name} first")
    (folder / path.name).unlink(missing_ok=True)
    return {"tokens_of": name, "tokens_sha256": sha256_of(path)}


def _finer(checkpoint: Path, folder: Path, model: Recipe) -> dict[str, Any]:
    """Write the stage that refines a token model, and return what the configuration says of it."""
    state = state_of(checkpoint)
    recipe, network = recipe_of(state), averaged_of(state)
    if recipe.task != "finer" or recipe.data.coarse != model.data.autoencoder:
        raise InputError(f"finer: {checkpoint} does not refine the tokens of {model.data.autoencoder}")
    tokenizer = codec_of(recipe.data.autoencoder)
    assert isinstance(network, Transformer)
    assert isinstance(tokenizer, VQ)
    _write(network, folder / "finer.safetensors", recipe)
    _write(tokenizer, folder / "finer_vq.safetensors", recipe)
    return {"transformer": asdict(network.config), "vq": asdict(tokenizer.config)}


def _write(network: nn.Module, path: Path, recipe: Recipe) -> None:
    about = {"limn": metadata.version("limn"), "recipe": recipe.name}
    write_tensors(path, pack(network.state_dict()), about)
    path.chmod(0o644)


def _card(
    recipe: Recipe, network: nn.Module, state: Checkpoint, figures: Mapping[str, str], size: int
) -> dict[str, Any]:
    emoji, judges = recipe.data.world == "pictograms", isinstance(network, DualEncoder)
    reads, (does, limits) = isinstance(network, AttributeReader), _ABOUT.get(recipe.task, ("", ""))
    part = f"half {recipe.data.half} of all splits" if recipe.data.half else "all splits"
    drawn = "drawn without end" if recipe.data.world == "people" else "training split only"
    part = part if judges else "85 % of all splits" if reads else drawn
    draws = _DRAWS[recipe.data.world]
    generating = ["lipman2023flow", "rombach2022latent"] if emoji else ["lipman2023flow"]
    if recipe.task == "distilled":
        generating.append("meng2023distillation")
    objective: str = "symmetric InfoNCE" if judges else recipe.objective.target
    if reads:
        generating, objective = ["hendrycks2019exposure"], "cross-entropy of each field's values"
    if recipe.task in ("masked", "autoregressive"):
        generating = ["chang2023muse" if recipe.task == "masked" else "yu2022parti"]
        objective = f"cross-entropy of {'hidden' if recipe.task == 'masked' else 'next'} tokens"
    if isinstance(network, Upsampler):
        generating, objective = ["shi2016subpixel", "lim2017edsr"], "absolute errors of pixels and gradients"
    return {
        "name": recipe.name,
        "kind": _ARE[recipe.task],
        "draws": f"nothing; it {does} {draws}" if does else draws,
        "data": f"pictograms: Fluent 3D and flat (MIT), Noto (Apache-2.0), Twemoji (CC-BY-4.0); {part}"
        if emoji
        else f"{recipe.data.world}: procedural pictures with exact captions; {part}",
        "licence": "Apache-2.0" + ("; attribution of the pictures in ATTRIBUTION.md" if emoji else ""),
        "size": size,
        "parameters": sum(each.numel() for each in network.parameters()),
        "network": ", ".join(f"{name} {value}" for name, value in recipe.network.items() if name != "fields"),
        "recipe": f"{objective}, {recipe.optimiser.name}, learning rate {recipe.optimiser.lr:g}",
        "training": f"{state.step:,} steps of {recipe.optimiser.batch} pictures, {state.seconds / 3600:.2f} hours",
        "papers": ["radford2021clip"] if judges else generating,
        "figures": dict(figures),
        **({"limits": limits} if limits else {}),
    }
