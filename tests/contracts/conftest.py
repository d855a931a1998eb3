"""Small random models, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch

import small_models
from limn.kernel.generator import Generator


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Generator]:
    """Gives ``native``, ``stable_diffusion``, the same in ``bfloat16``, or ``tokens``."""

    @cache
    def get(name: str) -> Generator:
        if name == "tokens":
            return small_models.tokens()
        folder = tmp_path_factory.mktemp(name)
        if name == "native":
            return small_models.native(folder)
        return small_models.stable_diffusion(folder, dtype=torch.bfloat16 if name == "bfloat16" else None)

    return get


@pytest.fixture(scope="session")
def there(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files that guidances ask for by name."""
    return small_models.files(tmp_path_factory.mktemp("files"))
