"""An attribute reader: what a pictogram shows, field by field, as probabilities of known values.

One image tower, one linear head a field. It names what is represented on a picture as it is drawn; it identifies
nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, read_config, require
from limn.networks import shipped
from limn.networks.dual_encoder import DualEncoderConfig, ImageTower

__all__ = ["CONFIG", "AttributeReader", "AttributeReaderConfig", "locate", "names", "read"]

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


class AttributeReader(nn.Module):
    """Pictures to logits of each field's values."""

    def __init__(self, config: AttributeReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.image = ImageTower(config.tower)
        self.heads = nn.ModuleList(nn.Linear(config.width, len(values)) for values in config.fields.values())

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> AttributeReader:
        """Build from the fields of a configuration file; an unknown field or value out of bounds is refused."""
        return cls(read_config(AttributeReaderConfig, config))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Read pictures.

        Args:
            x: Pictures (rows, 3, size, size) in [-1, 1].

        Returns:
            Logits (rows, values) of each field, float32.
        """
        seen = F.silu(self.image(x, None))
        return {name: head(seen).float() for name, head in zip(self.config.fields, self.heads, strict=True)}


def names() -> list[str]:
    """Return the names of the readers shipped with limn."""
    return shipped.names(CONFIG)


def locate(model: str | Path) -> Path:
    """Return the folder of a reader.

    Args:
        model: A shipped one's name, or a folder.

    Raises:
        InputError: There is no such folder; the message has the nearest name.
    """
    return shipped.locate(model, CONFIG, "reader")


def read(model: str | Path, *, device: str = "cpu") -> AttributeReader:
    """Read a reader from its folder, frozen and ready for use.

    Args:
        model: A shipped one's name, or a folder with ``attribute_reader.json`` and ``model.safetensors``.
        device: Where it runs.

    Raises:
        InputError: There is no such folder.
        WeightsError: A file is missing, damaged, unsafe or does not fit the other.
    """
    folder = locate(model)
    return shipped.frozen(AttributeReader(read_config(AttributeReaderConfig, folder / CONFIG)), folder, device)
