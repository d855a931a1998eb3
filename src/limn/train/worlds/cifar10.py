"""CIFAR-10, which ``limn data build cifar10`` has built."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from limn.data import cifar10
from limn.train.batches import DrawnWorld


class Cifar10(DrawnWorld):
    """Photos of ten classes, half of them mirrored, with words for the class."""

    shows = "small photos of ten classes of things and animals"
    source = "CIFAR-10 (Krizhevsky 2009); no licence is stated, so its pictures are not passed on"

    @cached_property
    def photos(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Pictures and numbers of classes of the training split."""
        return cifar10.load(Path(self.recipe.data.folder))

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[NDArray[np.uint8], Sequence[str]]:
        """Take photos with a caption each."""
        pictures, labels = self._taken(rng, rows)
        return pictures, [cifar10.caption(int(label), rng) for label in labels]

    def draw_pairs(self, rng: np.random.Generator, rows: int) -> tuple[Tensor, Sequence[str], NDArray[np.bool_]]:
        """Take photos; a caption is true of every photo of its class."""
        pictures, labels = self._taken(rng, rows)
        captions = [cifar10.caption(int(label), rng) for label in labels]
        return self.jittered(pictures, rng), captions, labels[:, None] == labels

    def _taken(self, rng: np.random.Generator, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        pictures, labels = self.photos
        chosen = rng.integers(len(pictures), size=rows)
        mirrored = rng.random(rows) < 0.5
        batch = pictures[chosen]
        return np.where(mirrored[:, None, None, None], batch[:, :, ::-1], batch), labels[chosen]
