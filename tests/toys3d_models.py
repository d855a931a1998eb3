"""Toys drawn small and few, and a model of them with small random weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from limn.data.toys3d import dataset
from limn.networks.transformer import Transformer
from limn.networks.weights import write_tensors
from limn.scene3d.triplane import Triplane

TRIPLANE = {
    "channels": 4, "grid": 2, "widths": [16, 16, 16], "features": 4, "hidden": 8,
    "samples": 8, "finer": 4, "size": 32,
}  # fmt: skip
TRANSFORMER = {
    "width": 32, "depth": 2, "heads": 2, "channels": 4, "grid": 2, "patch": 1, "text_width": 128, "text_limit": 24
}  # fmt: skip


def toys(folder: Path) -> Path:
    """Build three toys to learn from and two that are held out."""
    for _ in dataset.build(folder, toys=3, held_out=2, views=6, size=32):
        pass
    return folder


def model(folder: Path) -> Path:
    """Write a model folder with random weights, whose objects are there."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformer, triplane = Transformer.from_config(TRANSFORMER), Triplane.from_config(TRIPLANE)
        for network in (transformer, triplane):
            for parameter in network.parameters():
                parameter.data.add_(0.1 * torch.randn_like(parameter))
    write_tensors(folder / "model.safetensors", transformer.state_dict())
    write_tensors(folder / "triplane.safetensors", triplane.state_dict())
    config = {"size": 32, "transformer": TRANSFORMER, "triplane": TRIPLANE, "steps": 3, "batch": 4}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
