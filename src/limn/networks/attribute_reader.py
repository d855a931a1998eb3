"""An attribute reader: what a pictogram shows, field by field, as probabilities of known values.

One image tower, one linear head a field. It names what is represented on a picture as it is drawn; it identifies
nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, require
from limn.networks.dual_encoder import DualEncoderConfig, ImageTower
from limn.networks.shipped import Shipped

CONFIG = "attribute_reader.json"
"""The configuration's file in a folder; its name keeps readers apart from models that draw."""


@dataclass(frozen=True, kw_only=True)
class AttributeReaderConfig:
    """The shape of an attribute reader; every field is bounded.

    Args:
        size: Side of the pictures it reads.
        patch: Pixels along the side of what the first layer takes together.
        widths: Channels of the image tower, one halving of the side between each two.
        blocks: Residual blocks at each width.
        cells: Side of the grid that the picture is averaged to before places are forgotten.
        width: Length of the vector that all heads read.
        fields: The values that each field may have, such as ``{"gender": ("woman", "man", "person", "none")}``.
    """

    size: int = 64
    patch: int = 2
    widths: tuple[int, ...] = (32, 64, 96)
    blocks: tuple[int, ...] = (1, 1, 1)
    cells: int = 4
    width: int = 128
    fields: dict[str, Any] = field(default_factory=lambda: {"shown": ["no", "yes"]})

    def __post_init__(self) -> None:
        check_range(self, width=(1, 4096))
        self.tower  # noqa: B018  its own bounds hold here as well
        require(1 <= len(self.fields) <= 64, "fields must be 1 to 64")
        for name, values in self.fields.items():
            sound = isinstance(values, list) and all(type(value) is str and value for value in values)
            require(
                sound and 2 <= len(set(values)) == len(values) <= 4096, f"{name} must list 2 or more values once"
            )

    @property
    def tower(self) -> DualEncoderConfig:
        """The shape of the image tower."""
        shared = {name: getattr(self, name) for name in ("size", "patch", "widths", "blocks", "cells")}
        return DualEncoderConfig(**shared, out=self.width)


class AttributeReader(Shipped):
    """Pictures to logits of each field's values."""

    shape, file, noun = AttributeReaderConfig, CONFIG, "reader"
    config: AttributeReaderConfig

    def __init__(self, config: AttributeReaderConfig) -> None:
        super().__init__(config)
        self.image = ImageTower(config.tower)
        self.heads = nn.ModuleList(nn.Linear(config.width, len(values)) for values in config.fields.values())

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Read pictures.

        Args:
            x: Pictures (rows, 3, size, size) in [-1, 1].

        Returns:
            Logits (rows, values) of each field, float32.
        """
        features = F.silu(self.image(x, None))
        return {name: head(features).float() for name, head in zip(self.config.fields, self.heads, strict=True)}
