"""What all families on diffusers' U-Net are put together from: defaults by their own files, and a generator."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from limn.encoders.known import Known
from limn.encoders.resting import Resting
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.embedded import Embedded
from limn.kernel.errors import ModelWarning
from limn.kernel.generator import Generator
from limn.kernel.predictor import Encoder
from limn.kernel.stage import Stage
from limn.models import memory
from limn.models.checkpoints.shared import external, schedule
from limn.models.checkpoints.shared import vae as autoencoders
from limn.models.checkpoints.shared.configs import Configs, check_together
from limn.models.checkpoints.shared.networks import Networks, precision
from limn.models.checkpoints.shared.refiner import Refiner
from limn.models.checkpoints.shared.unet import UNet
from limn.predictors.diffusion import Diffusion

BATCH = 4
LEAST, MOST = 64, 2048  # sides in pixels
TURBO, ONE = 4, 1
TOLD = 8.5  # of latent consistency models (Luo et al. 2023, section 5)


@dataclass(frozen=True, kw_only=True)
class Usual:
    """How a model is usually drawn.

    Args:
        steps: Steps of a walk.
        scale: Guidance scale.
        distilled: Whether guidance was distilled into it or away, so that it is asked once.
        told: Guidance scale that the network is told, if it reads one.
    """

    steps: int
    scale: float
    distilled: bool = False
    told: float = 0.0


def usual(configs: Configs, steps: int, scale: float) -> Usual:
    """Return how a model is usually drawn, by its own files.

    Models of few steps are told by what their makers save: a consistency scheduler, or an Euler scheduler with
    trailing timesteps that answers with noise; a U-Net without a middle beside a small autoencoder draws at once.

    Args:
        configs: Of all parts.
        steps: Of the family.
        scale: Of the family.
    """
    scheduler, unet = configs["scheduler"], configs["unet"]
    name, trailing = scheduler["_class_name"], scheduler.get("timestep_spacing") == "trailing"
    if unet.get("time_cond_proj_dim"):
        return Usual(steps=TURBO, scale=1.0, distilled=True, told=TOLD)
    if unet.get("mid_block_type", "") is None and "decoder_block_out_channels" in configs["vae"]:
        return Usual(steps=ONE, scale=1.0, distilled=True)
    noise = scheduler.get("prediction_type", "epsilon") == "epsilon" and not scheduler.get("rescale_betas_zero_snr")
    if name in ("LCMScheduler", "TCDScheduler") or (name.startswith("Euler") and trailing and noise):
        return Usual(steps=TURBO, scale=1.0, distilled=True)
    return Usual(steps=steps, scale=scale)


def precision_on(device: str, dtype: torch.dtype | None) -> torch.dtype:
    """Return a precision: the one given, or float32 on the CPU and float16 elsewhere."""
    return dtype or (torch.float32 if torch.device(device).type == "cpu" else torch.float16)


def assembled(
    path: Path,
    configs: Configs,
    networks: Networks,
    encoder: Encoder,
    device: str,
    *,
    steps: int,
    scale: float,
    steps_offset: int | None = None,
    clips: bool = True,
    refiner: Refiner | None = None,
) -> Generator:
    """Return the generator of a model.

    Args:
        path: What it calls itself.
        configs: Of all parts.
        networks: Filled.
        encoder: Reads prompts.
        device: Where the state lives.
        steps: Usual steps of the family.
        scale: Usual guidance scale of the family.
        steps_offset: Offset of leading timesteps whatever the scheduler's file says.
        clips: Whether diffusers' pipeline follows a scheduler that clamps the clean state.
        refiner: Takes the last steps.
    """
    scheduler, own = configs["scheduler"], usual(configs, steps, scale)
    for note in schedule.notes_of(scheduler, clips=clips):
        warnings.warn(f"{path}: {note}", ModelWarning, stacklevel=2)
    base = Diffusion(
        network=UNet(networks["unet"], autoencoders.factor_of(configs["vae"])), target=schedule.target_of(scheduler)
    )
    width = next(networks["unet"].parameters()).dtype.itemsize
    parts, side = dict(configs.parts), configs["unet"]["sample_size"] * autoencoders.factor_of(configs["vae"])
    again = {networks[part]: fill for part, fill in networks.again.items() if part.startswith("text_encoder")}
    if refiner is not None:
        parts |= {"refiner": {"below": refiner.below, **refiner.configs["unet"]}}
        networks = Networks(networks.parts, [*networks.hashes, *refiner.networks.hashes])
        last = refiner.networks
        again |= {last[part]: fill for part, fill in last.again.items() if part == "text_encoder_2"}
    stage = Stage(
        encoder=Resting(
            Known(encoder) if configs.paints else encoder, again, partial(memory.tight, device, (side, side), width)
        ),
        predictor=base if refiner is None else refiner.after(base),
        codec=autoencoders.codec(networks["vae"], configs["vae"]),
        schedule=schedule.schedule_of(scheduler, steps_offset=steps_offset),
        sampler=schedule.sampler_of(scheduler),
        steps=own.steps,
        known=configs.paints,
        blends=not configs.paints,
        device=device,
    )
    return Generator(
        str(path),
        [stage],
        weights=digest(networks, parts),
        file=networks.hashes[0],
        size=(side, side),
        sizes=(min(LEAST, side), max(MOST, side)),
        guidance=[Embedded(scale=own.told) if own.told else ClassifierFree(scale=own.scale)],
        batch=BATCH,
        distilled=own.distilled and not own.told,
    )


def exchanged(
    configs: Configs, networks: Networks, device: str, dtype: torch.dtype, *, vae: str, text_encoder: str
) -> tuple[Configs, Networks]:
    """Return a model's parts with an autoencoder or text encoder from files of their own, where they are named."""
    parts, filled, hashes = dict(configs.parts), dict(networks.parts), list(networks.hashes)
    again = dict(networks.again)
    if vae:
        filled["vae"], parts["vae"], own = external.autoencoder(
            Path(vae).expanduser(), configs["vae"], device, precision("vae", configs, dtype)
        )
        hashes += own
    if text_encoder:
        filled["text_encoder"], own, again["text_encoder"] = external.text_encoder(
            Path(text_encoder).expanduser(), configs["text_encoder"], device, dtype
        )
        hashes += own
    exchanged = replace(configs, parts=parts)
    check_together(Path(vae or text_encoder), exchanged)
    return exchanged, Networks(filled, hashes, again)


def digest(networks: Networks, parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the SHA-256 of all that decides what a model draws: its files of weights and its configurations."""
    settings = json.dumps({name: dict(fields) for name, fields in parts.items()}, sort_keys=True)
    return hashlib.sha256("\n".join([*networks.hashes, settings]).encode()).hexdigest()
