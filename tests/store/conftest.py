from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import limn.store
from limn.store import Store
from limn.store.record import key_of


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: what a process wrote outlives it without that."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def ask() -> Callable[..., tuple[str, dict[str, Any]]]:
    """Make a key and a request as the kernel would."""

    def make(*texts: str, n: int = 1, model: str = "emoji") -> tuple[str, dict[str, Any]]:
        request = {"schema": 1, "model": model, "prompts": [{"text": text} for text in texts], "n": n, "seed": 0}
        return key_of(request), request

    return make


@pytest.fixture
def paint() -> Callable[..., np.ndarray]:
    """Make the pixels of a picture; noise, so that they do not pack."""

    def make(seed: int = 0, side: int = 16) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)

    return make


@pytest.fixture
def python() -> Callable[..., subprocess.Popen[str]]:
    """Start Python code in a process of its own."""
    source = str(Path(limn.store.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start
