"""The parts of native families: weights freeze and are hashed, a sampler's name is checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn

from limn.kernel.errors import WeightsError
from limn.models.parts import fill, sampler_of
from limn.networks.weights import write_tensors


def test_weights_are_loaded_frozen_and_hashed(tmp_path: Path) -> None:
    path, network = tmp_path / "model.safetensors", nn.Linear(3, 2)
    weights = {name: torch.randn_like(each) for name, each in network.state_dict().items()}
    write_tensors(path, weights)
    assert fill(network, path, "cpu") == hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(torch.equal(each, weights[name]) for name, each in network.state_dict().items())
    assert not network.training
    assert not any(each.requires_grad for each in network.parameters())
    with pytest.raises(WeightsError, match=r"model\.safetensors"):
        fill(nn.Linear(4, 2), path, "cpu")


def test_a_sampler_that_is_not_known_names_the_configuration(tmp_path: Path) -> None:
    assert sampler_of(tmp_path, "ddim:eta=1").eta == 1  # type: ignore[attr-defined]
    with pytest.raises(WeightsError, match=r"config\.json: unknown sampler 'dimm'.*ddim"):
        sampler_of(tmp_path, "dimm")
