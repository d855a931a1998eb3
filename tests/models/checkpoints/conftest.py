"""Small random checkpoints, built and loaded once."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives the folder of a tiny checkpoint, by prediction and version."""
    from tiny_stable_diffusion import build

    @cache
    def get(prediction: str = "epsilon", version: int = 1) -> Path:
        return build(tmp_path_factory.mktemp("sd"), prediction=prediction, version=version)

    return get


@pytest.fixture(scope="session")
def loaded(checkpoint: Callable[..., Path]) -> Callable[..., Any]:
    """Gives our generator for a tiny checkpoint, by prediction and precision."""
    from limn.models import checkpoints

    @cache
    def get(prediction: str = "epsilon", dtype: Any = None) -> Any:
        return checkpoints.load(checkpoint(prediction), dtype=dtype)

    return get


@pytest.fixture(scope="session")
def pipeline(checkpoint: Callable[..., Path]) -> Callable[..., Any]:
    """Gives diffusers' pipeline for a tiny checkpoint, by prediction and precision."""

    @cache
    def get(prediction: str, dtype: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from diffusers import StableDiffusionPipeline
            from diffusers.utils import logging

            logging.disable_progress_bar()
            folder = checkpoint(prediction)
            pipe = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True, torch_dtype=dtype)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    return get


@pytest.fixture
def copy(checkpoint: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of the checkpoint that a test may damage."""
    return Path(shutil.copytree(checkpoint(), tmp_path / "model"))
