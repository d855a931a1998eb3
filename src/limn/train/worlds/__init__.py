"""The worlds of data, each a file that answers what :class:`limn.train.batches.World` asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from limn.train.batches import World
from limn.train.worlds.cifar10 import Cifar10
from limn.train.worlds.people import People
from limn.train.worlds.pictograms import Pictograms
from limn.train.worlds.shapes import Shapes
from limn.train.worlds.toys3d import Toys3D

__all__ = ["WORLDS"]

WORLDS: Final[Mapping[str, type[World]]] = {
    "pictograms": Pictograms, "shapes": Shapes, "people": People, "toys3d": Toys3D,
    "cifar10": Cifar10,
}  # fmt: skip
"""What ``data.world`` may be."""
