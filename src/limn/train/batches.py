"""Feeds: batch number n of a run, always the same one, wherever the run was resumed.

Every random number of a batch comes from a generator that is seeded by the run's seed and the batch's number, so
there is no state to save.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.data import shapes
from limn.data.example import Example
from limn.data.people.worlds import WORLDS
from limn.data.pictograms import PictureSet, load
from limn.data.scenes import Scenes
from limn.data.shapes.hard_negatives import swapped
from limn.data.shapes.planted import plant
from limn.io.pictures import composite
from limn.networks.autoencoder import Autoencoder
from limn.networks.token_embeddings import LIMIT, TokenVectors
from limn.networks.vq import VQ
from limn.train.network import codec_of
from limn.train.recipe import Data, Recipe

__all__ = ["Batch", "Captioned", "Feed", "feed_for", "signed", "stream"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step learns from.

    Args:
        clean: Clean states (rows, channels, height, width), or tokens (rows, tokens).
        ids: Token ids of the captions (rows, words), trimmed to the longest.
        mask: Which of them are real.
        said: The captions themselves.
    """

    clean: Tensor
    ids: Tensor
    mask: Tensor
    said: tuple[str, ...] = ()


class Feed(Protocol):
    """Any source of batches."""

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, counted from 0."""
        ...


def stream(seed: int, *path: int) -> np.random.Generator:
    """Return the random stream of a place in a run, such as a step or an epoch."""
    return np.random.default_rng([seed, *path])


def signed(pictures: NDArray[np.uint8]) -> Tensor:
    """Turn pictures (n, height, width, 3), 0 to 255, into states (n, 3, height, width) in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def feed_for(recipe: Recipe, words: TokenVectors) -> Feed:
    """Return the feed that a recipe asks for; latents of a frozen autoencoder are computed once, here."""
    if recipe.data.world == "shapes":
        return _Shapes(recipe, words)
    if recipe.data.world == "people":
        return _People(recipe, words)
    source = load(Path(recipe.data.folder), styles=recipe.data.styles or None)
    if recipe.task in ("autoencoder", "vq"):
        return _Pictures(recipe, source)
    return Captioned(recipe, source, words)


class _Shapes:
    """Shapes pictures drawn on the fly."""

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        self.seed, self.rows, self.data, self.words = recipe.seed, recipe.optimiser.batch, recipe.data, words
        self.codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None

    def __call__(self, step: int) -> Batch:
        rng = stream(self.seed, 1, step)
        pictures, scenes = shapes.batch(rng, self.rows)
        wrong = rng.random(self.rows) < self.data.exchanged if self.data.exchanged else np.zeros(self.rows, bool)
        told = [
            swapped(scene, "colour") if lie and len(scene.objects) > 1 else scene
            for scene, lie in zip(scenes, wrong, strict=True)
        ]
        if self.data.partial:
            told = [_some(scene, rng) if rng.random() < self.data.partial else scene for scene in told]
        said = [shapes.caption(scene, rng, full=0.6) for scene in told]
        if self.data.planted:
            shown = [plant(scene, rng, self.data.planted) for scene in scenes]
            pictures = np.stack([shapes.render(scene) for scene in shown])
        ids, mask = self.words.ids(said)
        return Batch(clean=_states(pictures, self.codec), ids=ids, mask=mask, said=tuple(said))


def _some(scene: shapes.Scene, rng: np.random.Generator) -> shapes.Scene:
    """Leave out some objects of a scene, never all."""
    count = len(scene.objects)
    kept = sorted(rng.choice(count, int(rng.integers(1, max(count, 2))), replace=False).tolist())
    return replace(scene, objects=tuple(scene.objects[place] for place in kept))


class _People:
    """Person icons drawn on the fly."""

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        self.seed, self.rows, self.words = recipe.seed, recipe.optimiser.batch, words
        world = WORLDS[recipe.data.people]
        self.world = replace(world, letters=recipe.data.look_alikes) if recipe.data.look_alikes else world

    def __call__(self, step: int) -> Batch:
        pictures, said = self.world.draw(stream(self.seed, 1, step), self.rows)
        ids, mask = self.words.ids(said)
        return Batch(clean=signed(pictures), ids=ids, mask=mask, said=tuple(said))


class _Pictures:
    """Pictograms on white and other colours, alone and in pairs; captions play no part."""

    def __init__(self, recipe: Recipe, source: PictureSet) -> None:
        self.recipe, self.source = recipe, source
        self.scenes = Scenes(source) if recipe.data.scenes else None
        self.ids = torch.zeros(recipe.optimiser.batch, 0, dtype=torch.int64)

    def __call__(self, step: int) -> Batch:
        data, rows = self.recipe.data, self.recipe.optimiser.batch
        rng = stream(self.recipe.seed, 1, step)
        order = _places(self.recipe.seed, len(self.source), step * rows, rows)
        pictures = [_picture(self.source, self.scenes, index, data, rng) for index in order]
        return Batch(clean=signed(np.stack(pictures)), ids=self.ids, mask=self.ids.bool())


class Captioned:
    """Pictograms (or their latents) with one of their captions, and scenes of two of them.

    Args:
        recipe: Says how often what is shown.
        source: The pictograms.
        words: Turns captions into tokens.
    """

    def __init__(self, recipe: Recipe, source: PictureSet, words: TokenVectors) -> None:
        self.recipe = recipe
        captions = [list(each) for each in source.columns["captions"]]
        toned = np.array([each not in ("", "yellow") for each in source.columns["tone"]])
        self.toned, self.plain = np.flatnonzero(toned), np.flatnonzero(~toned)
        pictures = [source.on()]
        self.single = len(source)
        if recipe.data.scenes:
            made = self.scenes(source, stream(recipe.seed, 2))
            pictures.append(np.stack([composite(each.picture) for each in made]))
            captions += [list(each.captions) for each in made]
        self.clean = _states(
            np.concatenate(pictures), codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None
        )
        self.captions = [caption for each in captions for caption in each]
        ids, mask = words.ids(self.captions, limit=LIMIT)
        self.ids, self.lengths = ids, mask.sum(1)
        self.starts = np.cumsum([0, *map(len, captions)])

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, counted from 0."""
        return self.batch(*self.pick(step))

    def scenes(self, source: PictureSet, rng: np.random.Generator) -> list[Example]:
        """Draw the scenes that are shown, as many as there are pictures."""
        world = Scenes(source)
        return [world.draw(rng) for _ in range(len(source))]

    def pick(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of a step's pictures and of the captions drawn for them, each (rows,)."""
        rows, seed = self.recipe.optimiser.batch, self.recipe.seed
        rng = stream(seed, 1, step)
        order = self._order(step, rng)
        if len(self.clean) > self.single:
            scenes = rng.integers(self.single, len(self.clean), size=rows)
            order = np.where(rng.random(rows) < self.recipe.data.scenes, scenes, order)
        return order, rng.integers(self.starts[order], self.starts[order + 1])

    def batch(self, order: NDArray[np.int64], said: NDArray[np.int64]) -> Batch:
        """Return pictures and captions at these places."""
        words = torch.from_numpy(said)
        lengths = self.lengths[words]
        longest = int(lengths.max())
        mask = torch.arange(longest) < lengths[:, None]
        told = tuple(self.captions[place] for place in said)
        return Batch(clean=self.clean[torch.from_numpy(order)], ids=self.ids[words, :longest], mask=mask, said=told)

    def _order(self, step: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return which pictures a step shows: in passes over all of them, or over the two kinds by their share."""
        rows, seed, share = self.recipe.optimiser.batch, self.recipe.seed, self.recipe.data.toned
        if not share or not len(self.toned) or not len(self.plain):
            return _places(seed, self.single, step * rows, rows)
        toned, plain = (pool[_places(seed, len(pool), step * rows, rows)] for pool in (self.toned, self.plain))
        return np.where(rng.random(rows) < share, toned, plain)


def _places(seed: int, size: int, start: int, count: int) -> NDArray[np.int64]:
    """Return places ``start`` to ``start + count`` of an endless row of shuffled passes over ``size`` pictures."""
    passes = range(start // size, (start + count - 1) // size + 1)
    order = np.concatenate([stream(seed, 0, each).permutation(size) for each in passes])
    first = start - passes.start * size
    return order[first : first + count]


def _picture(
    source: PictureSet, scenes: Scenes | None, index: int, data: Data, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return one picture (height, width, 3), perhaps in a scene, perhaps on a colour."""
    layers: NDArray[Any] = source.pictures[index]
    if scenes is not None and rng.random() < data.scenes:
        layers = scenes.draw(rng).picture
    ground = (255, 255, 255)
    if rng.random() < data.backgrounds:
        red, green, blue = rng.integers(0, 256, size=3).tolist()
        ground = (red, green, blue)
    return composite(layers, ground)


def _states(pictures: NDArray[np.uint8], codec: Autoencoder | VQ | None) -> Tensor:
    """Turn pictures (n, height, width, 3) into states, latents, or tokens (n, tokens)."""
    if codec is None:
        return signed(pictures)
    with torch.inference_mode():
        parts: Sequence[Tensor] = [
            codec.encode(signed(part)) for part in np.array_split(pictures, len(pictures) // 128 + 1)
        ]
    states = torch.cat(list(parts)).clone()
    return states.flatten(1) if isinstance(codec, VQ) else states
