"""A small random Stable Diffusion checkpoint, to compare guidances with diffusers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the checkpoint."""
    from tiny_stable_diffusion import build

    return build(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="session")
def doubles(checkpoint: Path) -> Any:
    """Our generator for the checkpoint, in double precision."""
    import torch

    from limn.models import checkpoints

    return checkpoints.load(checkpoint, dtype=torch.float64)


@pytest.fixture(scope="session")
def pipeline(checkpoint: Path) -> Callable[[str], Any]:
    """Gives diffusers' pipeline of a class's name for the checkpoint, in double precision."""

    @cache
    def get(name: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import diffusers
            import torch

            diffusers.utils.logging.disable_progress_bar()
            pipe = getattr(diffusers, name).from_pretrained(
                checkpoint, local_files_only=True, torch_dtype=torch.float64, safety_checker=None
            )
        pipe.set_progress_bar_config(disable=True)
        return pipe

    return get
