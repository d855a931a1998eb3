"""Weights in eight bits: the error is bounded row by row, and files are read back as they were packed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.kernel.errors import WeightsError
from limn.networks.quantization import LEAST, pack, unpack
from limn.networks.weights import read_tensors, write_tensors


@given(seed=st.integers(0, 100), size=st.floats(1e-6, 1e3))
def test_the_error_is_at_most_half_a_scale_of_its_row(seed: int, size: float) -> None:
    rows = torch.randn(4, LEAST // 4, generator=torch.Generator().manual_seed(seed)) * size
    rows[1] *= 100
    back = unpack(pack({"w": rows}))["w"]
    assert ((back - rows).abs() <= rows.abs().amax(1, keepdim=True) / 253).all()
    assert torch.equal(back, unpack(pack({"w": back}))["w"]), "packing again changes nothing"


def test_small_and_flat_tensors_stay_in_half_precision() -> None:
    tensors = {"bias": torch.randn(LEAST), "small": torch.randn(8, 8), "zero": torch.zeros(2, LEAST)}
    packed = pack(tensors)
    assert [packed[name].dtype for name in ("bias", "small", "zero")] == [torch.float16, torch.float16, torch.int8]
    back = unpack(packed)
    assert set(back) == set(tensors)
    assert torch.equal(back["zero"], tensors["zero"])
    assert torch.equal(back["small"], tensors["small"].half())


def test_files_are_read_as_they_were_packed(tmp_path: Path) -> None:
    tensors = {"kernel": torch.randn(64, 32, 3, 3), "bias": torch.randn(64)}
    write_tensors(tmp_path / "model.safetensors", pack(tensors))
    read = read_tensors(tmp_path / "model.safetensors")
    assert set(read) == set(tensors)
    assert torch.equal(read["kernel"], unpack(pack(tensors))["kernel"])
    halves = {name: each.half() for name, each in tensors.items()}
    write_tensors(tmp_path / "half.safetensors", halves)
    size = [(tmp_path / name).stat().st_size for name in ("model.safetensors", "half.safetensors")]
    assert size[0] < 0.53 * size[1]


def test_a_scale_that_does_not_fit_its_rows_is_refused(tmp_path: Path) -> None:
    packed = pack({"w": torch.randn(4, LEAST)})
    write_tensors(tmp_path / "bad.safetensors", {**packed, "w~scale": torch.ones(3)})
    with pytest.raises(WeightsError, match=r"w~scale: 3 scales for 4 rows"):
        read_tensors(tmp_path / "bad.safetensors")
