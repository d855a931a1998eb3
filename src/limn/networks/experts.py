"""What an expert for some noise levels changes of the transformer it grew from (Balaji et al. 2022, section 4.1).

Each matrix of the blocks grows by a product of two narrow ones, or, at rank 0, by a matrix of its own size. At first
an expert answers as its parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from limn.io.configurations import check_range, read_config
from limn.kernel.errors import WeightsError
from limn.networks.low_rank import LowRank, Product, Update, Whole
from limn.networks.transformer import Transformer

LAYERS = ("qkv", "out", "up", "down")


@dataclass(frozen=True, kw_only=True)
class ExpertConfig:
    """The shape of an expert; every field is bounded.

    Args:
        width: Of its parent.
        depth: Of its parent.
        expansion: Of its parent.
        rank: Of the products; 0 for whole matrices.
    """

    width: int = 256
    depth: int = 8
    expansion: int = 4
    rank: int = 16

    def __post_init__(self) -> None:
        check_range(self, width=(8, 4096), depth=(1, 64), expansion=(1, 8), rank=(0, 1024))


class Expert(nn.Module):
    """Changes to the blocks of a transformer."""

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__()
        self.config, width, inner = config, config.width, config.width * config.expansion
        shapes = {"qkv": (3 * width, width), "out": (width, width), "up": (inner, width), "down": (width, inner)}
        self.blocks = nn.ModuleList(
            nn.ModuleDict({name: _Change(*shape, config.rank) for name, shape in shapes.items()})
            for _ in range(config.depth)
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Expert:
        """Build from the fields of a configuration; an unknown field or value out of bounds is refused."""
        return cls(read_config(ExpertConfig, config))

    def change(self, parent: Transformer) -> LowRank:
        """Return the change of a parent.

        Raises:
            WeightsError: The parent has another shape.
        """
        ours, theirs = self.config, parent.config
        if any(getattr(ours, name) != getattr(theirs, name) for name in ("width", "depth", "expansion")):
            raise WeightsError("expert: its parent has another shape; use the weights that belong together")
        updates: dict[nn.Module, Update] = {}
        for block, own in zip(parent.trunk.blocks, self.blocks, strict=True):
            for name in LAYERS:
                updates[getattr(block, name)] = own[name].update()  # type: ignore[index]
        return LowRank(updates)


class _Change(nn.Module):
    """What one matrix grows by: ``up @ down``, or ``delta``."""

    def __init__(self, out: int, into: int, rank: int) -> None:
        super().__init__()
        self.rank = rank
        if rank:
            self.down = nn.Parameter(torch.randn(rank, into) * into**-0.5)
            self.up = nn.Parameter(torch.zeros(out, rank))
        else:
            self.delta = nn.Parameter(torch.zeros(out, into))

    def update(self) -> Update:
        """Return it as it is applied."""
        return Product(down=self.down, up=self.up) if self.rank else Whole(delta=self.delta)
