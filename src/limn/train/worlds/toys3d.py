"""Toys from many sides, which ``limn data build toys3d`` has built."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from limn.data.toys3d import caption
from limn.data.toys3d.dataset import Toys, load
from limn.kernel.errors import InputError
from limn.networks.token_embeddings import TokenVectors
from limn.scene3d.triplane import Triplane
from limn.train.batches import Batch, World, signed, stream
from limn.train.network import codec_of
from limn.train.recipe import Recipe


class Toys3D(World):
    """Codes of toys with captions, or views of them."""

    shows = "toys in three dimensions: chairs, tables, lamps, houses, animals and vases"
    source = "toys3d: procedural objects with exact captions, cameras, masks and depths"

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        super().__init__(recipe, words)
        self.codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None

    @cached_property
    def toys(self) -> Toys:
        """The toys that are learned from."""
        return load(Path(self.recipe.data.folder))

    def captioned(self, step: int) -> Batch:
        """Return codes of toys, moved about as the codec learned to bear, with one caption each.

        Raises:
            InputError: The recipe names no trained tri-plane, or one of other toys.
        """
        if not isinstance(self.codec, Triplane):
            raise InputError("data.autoencoder: toys3d needs the training folder of a triplane; train one first")
        codes = self.codec.states()
        if len(codes) != len(self.toys.toys):
            raise InputError(
                f"data.autoencoder: knows {len(codes)} toys, {self.recipe.data.folder} has "
                f"{len(self.toys.toys)}; use the data that it learned from"
            )
        rng = stream(self.recipe.seed, 1, step)
        rows = rng.integers(len(codes), size=self.recipe.optimiser.batch)
        captions = [caption(self.toys.toys[row], rng) for row in rows.tolist()]
        noise = torch.from_numpy(rng.standard_normal((len(rows), *codes.shape[1:]), dtype=np.float32))
        clean = codes[torch.from_numpy(rows)] + noise * (self.codec.config.blur / self.codec.std)[:, None, None]
        ids, mask = self.words.ids(captions)
        return Batch(clean=clean, ids=ids, mask=mask, captions=tuple(captions))

    def pictures(self, step: int) -> Batch:
        """Return views of toys, without words."""
        rng, count = stream(self.recipe.seed, 1, step), self.recipe.optimiser.batch
        rows = rng.integers(len(self.toys.toys), size=count)
        views = rng.integers(self.toys.pictures.shape[1], size=count)
        none = torch.zeros(count, 0, dtype=torch.long)
        return Batch(clean=signed(self.toys.pictures[rows, views]), ids=none, mask=none.bool())
