"""Tiny checkpoints with random weights of every transformer family, made by diffusers, and how it is asked."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from tiny_families.flux import FLUX
from tiny_families.flux2 import DEV, KLEIN
from tiny_families.parts import quiet
from tiny_families.pixart import PIXART
from tiny_families.qwen_image import QWEN_IMAGE
from tiny_families.sana import SANA, SPRINT
from tiny_families.sd3 import SD3
from tiny_families.z_image import Z_IMAGE

FAMILIES = {
    "flux": FLUX,
    "flux2": KLEIN,
    "flux2_dev": DEV,
    "pixart": PIXART,
    "qwen_image": QWEN_IMAGE,
    "sana": SANA,
    "sana_sprint": SPRINT,
    "sd3": SD3,
    "z_image": Z_IMAGE,
}


def built(name: str) -> Any:
    """Return the pipeline of a tiny checkpoint, the same at every call."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return quiet(FAMILIES[name].build())
