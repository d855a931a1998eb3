"""Parti: tokens of a picture one after another, each drawn given all before it (Yu et al. 2022)."""

from __future__ import annotations

from pathlib import Path

from limn.kernel.generator import Generator
from limn.models import token_models
from limn.predictors.autoregressive import Autoregressive
from limn.samplers.decoding import Raster


def load(folder: Path, *, name: str, device: str = "cpu") -> Generator:
    """Load an autoregressive token model from its folder.

    Args:
        folder: Holds ``config.json``, ``model.safetensors`` and ``vq.safetensors``.
        name: What the generator calls itself.
        device: Where it runs.

    Raises:
        WeightsError: If a file is missing, damaged, unsafe or does not fit the others.
    """
    return token_models.generator(
        folder,
        name=name,
        device=device,
        predictor=lambda transformer: Autoregressive(network=transformer),
        schedule=lambda count: Raster(tokens=count),
        sampler="next_token",
    )
