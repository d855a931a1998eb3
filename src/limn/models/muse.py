"""Muse: tokens of a picture predicted in parallel, the surest kept, the rest asked again (Chang et al. 2023)."""

from __future__ import annotations

from pathlib import Path

from limn.kernel.generator import Generator
from limn.models import token_models
from limn.predictors.masked import Masked
from limn.samplers.decoding import Masking


def load(folder: Path, *, name: str, device: str = "cpu") -> Generator:
    """Load a masked token model from its folder.

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
        predictor=lambda transformer: Masked(network=transformer),
        schedule=lambda count: Masking(),
        sampler="unmask",
    )
