"""A small token model in a folder, whose random weights answer something."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.vq import VQ, VQConfig
from limn.networks.weights import write_tensors

__all__ = ["Change", "build"]

Change = Callable[[dict[str, Any]], None]


def build(folder: Path, family: str = "muse", change: Change = lambda config: None) -> Path:
    """Write a small token model whose random weights answer something."""
    torch.manual_seed(0)
    tokenizer = VQ(VQConfig(codes=12, code_width=3, widths=(16, 16), blocks=(1, 1)))
    network = Transformer(
        TransformerConfig(
            width=32, depth=2, heads=2, channels=1, grid=4, vocabulary=13, text_width=128, causal=family == "parti"
        )
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    write_tensors(folder / "model.safetensors", network.state_dict())
    write_tensors(folder / "vq.safetensors", tokenizer.state_dict())
    config = {
        "family": family, "size": 16, "transformer": asdict(network.config), "vq": asdict(tokenizer.config),
        "steps": 4, "batch": 3,
    }  # fmt: skip
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
