"""Whether a model fits is said before its weights are read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from limn.kernel.errors import InputError, ModelWarning
from limn.models import memory
from limn.networks.weights import write_tensors


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tensors = {"a": torch.zeros(1000, 1000, dtype=torch.float16), "b": torch.zeros(10, dtype=torch.int64)}
    write_tensors(tmp_path / "x.safetensors", tensors)
    return tmp_path / "x.safetensors"


@pytest.mark.parametrize(("width", "wanted"), [(2, 2_000_080), (4, 4_000_080)])
def test_weights_are_counted_by_their_header(file: Path, width: int, wanted: int) -> None:
    assert memory.weights([file], width) == wanted


def test_what_does_not_fit_is_refused_and_what_may_not_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda: 1_000_000)
    with pytest.raises(InputError, match=r"m: its weights take 4\.0 MB, 1\.0 MB are free; .*dtype=bfloat16"):
        memory.check("m", [file], 4, (64, 64))
    monkeypatch.setattr(memory, "free", lambda: 4_100_000)
    with pytest.warns(ModelWarning, match=r"m: takes about .* MB, 4\.1 MB are free"):
        memory.check("m", [file], 4, (64, 64))
    for enough in (10**12, None):
        monkeypatch.setattr(memory, "free", lambda enough=enough: enough)
        memory.check("m", [file], 4, (64, 64))


def test_free_memory_is_known_here() -> None:
    here = memory.free()
    assert here is None or here > 10**7
