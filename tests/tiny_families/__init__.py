"""Tiny checkpoints with random weights of every transformer family, made by diffusers, and how it is asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tiny_families.flux import flux_answer, flux_pipeline, flux_theirs
from tiny_families.flux2 import dev_pipeline, dev_theirs, klein_answer, klein_pipeline, klein_theirs
from tiny_families.parts import quiet
from tiny_families.pixart import pixart_answer, pixart_pipeline, pixart_theirs
from tiny_families.qwen_image import qwen_answer, qwen_image_pipeline, qwen_theirs
from tiny_families.sana import sana_answer, sana_pipeline, sana_theirs, sprint_theirs
from tiny_families.sd3 import sd3_answer, sd3_pipeline, sd3_theirs
from tiny_families.z_image import z_image_answer, z_image_pipeline, z_image_theirs


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family.

    Args:
        module: The module of ``limn.models.checkpoints`` that loads it.
        build: Makes the pipeline of diffusers.
        size: Height and width in pixels.
        theirs: Asks the pipeline: ``(pipe, texts, negatives, noise, steps)`` gives latents as limn has them,
            guided by ``scale`` where there are negatives.
        answer: Asks the pipeline's network: ``(pipe, x, time, text)`` gives what it answers about one state.
        scale: Of classifier-free guidance in limn's terms.
        layers: Blocks of the network, to leave one out by hand.
        guides: Further guidances that its pipeline always has.
    """

    module: str
    build: Callable[[], Any]
    theirs: Callable[[Any, Sequence[str], Sequence[str] | None, Tensor, int], Tensor]
    answer: Callable[[Any, Tensor, float, str], Tensor]
    layers: Callable[[Any], Any]
    size: tuple[int, int] = (32, 48)
    scale: float = 3.0
    guides: tuple[str, ...] = ()


FAMILIES = {
    "flux": Family(
        module="flux",
        build=flux_pipeline,
        theirs=flux_theirs,
        answer=flux_answer,
        layers=lambda pipe: [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks],
    ),
    "flux2": Family(
        module="flux2",
        build=klein_pipeline,
        theirs=klein_theirs,
        answer=klein_answer,
        layers=lambda pipe: [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks],
    ),
    "flux2_dev": Family(
        module="flux2",
        build=dev_pipeline,
        theirs=dev_theirs,
        answer=klein_answer,
        layers=lambda pipe: [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks],
    ),
    "pixart": Family(
        module="pixart",
        build=pixart_pipeline,
        theirs=pixart_theirs,
        answer=pixart_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "qwen_image": Family(
        module="qwen_image",
        build=qwen_image_pipeline,
        theirs=qwen_theirs,
        answer=qwen_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
        guides=("token_norm",),
    ),
    "sana": Family(
        module="sana",
        size=(32, 64),
        build=sana_pipeline,
        theirs=sana_theirs,
        answer=sana_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "sana_sprint": Family(
        module="sana",
        size=(32, 64),
        build=lambda: sana_pipeline(sprint=True),
        theirs=sprint_theirs,
        answer=sana_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "sd3": Family(
        module="sd3",
        build=sd3_pipeline,
        theirs=sd3_theirs,
        answer=sd3_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "z_image": Family(
        module="z_image",
        build=z_image_pipeline,
        theirs=z_image_theirs,
        answer=z_image_answer,
        layers=lambda pipe: pipe.transformer.layers,
    ),
}


def built(name: str) -> Any:
    """Return the pipeline of a tiny checkpoint, the same at every call."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return quiet(FAMILIES[name].build())
