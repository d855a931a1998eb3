"""Stable Diffusion 1.x and 2.x (Rombach et al. 2022, arXiv:2112.10752), from a diffusers folder or a single file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from limn.kernel.generator import Generator
    from limn.models.checkpoints.shared.configs import Configs
    from limn.models.checkpoints.shared.networks import Networks

STEPS, SCALE, BATCH = 30, 7.5, 4
LEAST, MOST = 64, 2048  # sides in pixels


def load(
    path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None, tokenizer: Path | None = None
) -> Generator:
    """Load a model.

    Args:
        path: A folder in diffusers' format, or one safetensors file with the keys of the original code.
        device: Where it runs, for example ``"cpu"`` or ``"cuda"``.
        dtype: Precision; float32 on the CPU and float16 elsewhere when ``None``.
        tokenizer: For a single file: the folder of CLIP's tokenizer, or a model folder whose tokenizer and
            configurations are used; when ``None``, looked for beside the file.

    Returns:
        A generator that guides with scale 7.5 unless a request says otherwise.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    import torch

    from limn.models.checkpoints import single_file
    from limn.models.checkpoints.shared import configs, networks

    path = Path(path)
    dtype = dtype or (torch.float32 if torch.device(device).type == "cpu" else torch.float16)
    if path.is_dir():
        found = configs.read_configs(path)
        words = path / "tokenizer"
        filled = networks.from_folder(path, found, device, dtype)
    else:
        found, words = single_file.read_configs(path, tokenizer)
        filled = single_file.read_networks(path, found, device, dtype)
    return _generator(path, found, words, filled, device)


def _generator(path: Path, found: Configs, words: Path, networks: Networks, device: str) -> Generator:
    from limn.codecs.latents import Latents
    from limn.encoders.known import Known
    from limn.guidance.classifier_free import ClassifierFree
    from limn.kernel.generator import Generator
    from limn.kernel.stage import Stage
    from limn.models.checkpoints.shared.clip import ClipEncoder, read_tokenizer
    from limn.models.checkpoints.shared.networks import Vae
    from limn.models.checkpoints.shared.schedule import sampler_of, schedule_of, target_of
    from limn.models.checkpoints.shared.unet import UNet
    from limn.predictors.diffusion import Diffusion

    vae, text, scheduler = found["vae"], found["text_encoder"], found["scheduler"]
    limit, factor = text["max_position_embeddings"], 2 ** (len(vae["block_out_channels"]) - 1)
    std = (1 / vae.get("scaling_factor", 0.18215),)
    tokenizer = read_tokenizer(words, size=text["vocab_size"], limit=limit, pad=found.pad)
    encoder = ClipEncoder(tokenizer, networks.text_encoder, limit)
    stage = Stage(
        encoder=Known(encoder) if found.paints else encoder,
        predictor=Diffusion(network=UNet(networks.unet), target=target_of(scheduler)),
        codec=Latents(Vae(networks.vae, vae["latent_channels"], factor), std=std),
        schedule=schedule_of(scheduler),
        sampler=sampler_of(scheduler),
        steps=STEPS,
        known=found.paints,
        blends=not found.paints,
        device=device,
    )
    side = found["unet"]["sample_size"] * factor
    settings = json.dumps({name: dict(fields) for name, fields in found.parts.items()}, sort_keys=True)
    return Generator(
        str(path),
        [stage],
        weights=hashlib.sha256("\n".join([*networks.hashes, settings]).encode()).hexdigest(),
        file=networks.hashes[0],
        size=(side, side),
        sizes=(min(LEAST, side), max(MOST, side)),
        guidance=[ClassifierFree(scale=SCALE)],
        batch=BATCH,
    )
