from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from limn.io.files import sha256_of
from limn.kernel.errors import InputError
from limn.models.upsampler import Enlarger, names, upsampler
from limn.networks.shipped import WEIGHTS
from limn.networks.upsampler import CONFIG, Upsampler
from limn.networks.weights import write_tensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = Upsampler.from_config({"factor": 4, "width": 8, "blocks": 1})
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    write_tensors(tmp_path / WEIGHTS, dict(network.state_dict()))
    (tmp_path / CONFIG).write_text(json.dumps(asdict(network.config)))
    return tmp_path


def some(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_picture_is_what_the_network_makes_of_its_state(folder: Path) -> None:
    one, picture = upsampler(folder), some(6, 9)
    assert (one.factor, one.weights) == (4, sha256_of(folder / WEIGHTS))
    found = one.enlarge(picture)
    assert (found.shape, found.dtype) == ((24, 36, 3), np.uint8)
    state = one.network(torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1)[0].clamp(-1, 1)
    assert np.abs(found - (state.permute(1, 2, 0).numpy() + 1) * 127.5).max() <= 0.51


@pytest.mark.parametrize("tile", [1, 4, 7, 16])
def test_parts_fit_together(folder: Path, tile: int) -> None:
    one, picture = upsampler(folder), some(13, 18)
    whole, parts = one.enlarge(picture).astype(int), one.enlarge(picture, tile=tile).astype(int)
    assert np.abs(whole - parts).max() <= 1, "rounding apart"


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(folder: Path, wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8 of shape"):
        upsampler(folder).enlarge(wrong)


def test_a_missing_upsampler_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="upsampler"):
        upsampler(tmp_path / "none")


def test_upsamplers_are_no_models_that_draw() -> None:
    from limn import models

    assert not set(names()) & set(models.names())
    for name in names():
        one = upsampler(name)
        assert isinstance(one, Enlarger)
        assert one.enlarge(some(8, 8)).shape == (8 * one.factor, 8 * one.factor, 3)
