"""Optimisers: AdamW for everything, or Muon for the matrices of the blocks.

AdamW: Loshchilov and Hutter 2019, arXiv:1711.05101. Muon: :mod:`limn.train.muon`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from limn.kernel.errors import WeightsError
from limn.train.muon import Muon
from limn.train.recipe import Optimiser


def make(network: nn.Module, options: Optimiser) -> list[Optimizer]:
    """Build the optimisers of a network's weights that learn; vectors, tables and norms have no weight decay."""
    named = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    inner = [p for name, p in named if p.ndim == 2 and ".blocks." in name and name.endswith("weight")]
    muon = inner if options.name == "muon" else []
    chosen = {id(p) for p in muon}
    rest = [p for _, p in named if id(p) not in chosen]
    groups = [
        {"params": [p for p in rest if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimisers: list[Optimizer] = [torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, options.beta2), fused=True)]
    if muon:
        optimisers.append(Muon(muon, lr=options.lr, weight_decay=options.weight_decay))
    return optimisers


def set_rate(optimisers: Sequence[Optimizer], lr: float) -> None:
    """Set the learning rate of all optimisers."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr


def states(optimisers: Sequence[Optimizer]) -> dict[str, Tensor]:
    """Return everything the optimisers remember, as tensors by name."""
    tensors = {}
    for k, optimiser in enumerate(optimisers):
        for index, memory in optimiser.state_dict()["state"].items():
            for name, value in memory.items():
                tensors[f"{k}.{index}.{name}"] = torch.as_tensor(value)
    return tensors


def load_states(optimisers: Sequence[Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Give the optimisers back what :func:`states` returned.

    Raises:
        WeightsError: The names do not belong to these optimisers.
    """
    memories: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimisers]
    try:
        for key, tensor in tensors.items():
            k, index, name = key.split(".", 2)
            memories[int(k)].setdefault(int(index), {})[name] = tensor
        for optimiser, memory in zip(optimisers, memories, strict=True):
            optimiser.load_state_dict({**optimiser.state_dict(), "state": memory})
    except (ValueError, IndexError, KeyError) as error:
        raise WeightsError(f"optimiser state does not fit this recipe ({error}); start in a new folder") from None
