"""Pictograms that ``limn data build`` has built, single ones and scenes of several.

A third of each batch of pairs is hard to tell from another third, for else a list of words would do: pictures of the
same kind and style or of the same name, and scenes whose things changed places. Such negatives teach order and
attributes (Yuksekgonul et al. 2023, arXiv:2210.01936).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from limn.data.captions import name_of
from limn.data.catalogue import from_columns
from limn.data.example import Example
from limn.data.hard_negatives import exchanged
from limn.data.picture_set import PictureSet, load
from limn.data.recolouring import recoloured
from limn.data.scenes import Scenes
from limn.data.split import KNOWN, SPLITS, STYLES, half_of, unseen
from limn.encoders.familiar import FILE, words_of
from limn.io.atomic import write_bytes, write_text
from limn.io.pictures import composite
from limn.networks.token_embeddings import LIMIT, TokenVectors
from limn.train.augmentation import jittered
from limn.train.batches import Batch, World, signed, states, stream
from limn.train.network import codec_of
from limn.train.recipe import Recipe

_STYLE = re.compile(rf"\b(?:{'|'.join(KNOWN)})\b", re.IGNORECASE)


def pictograms_of(recipe: Recipe, splits: tuple[str, ...] = ("train",)) -> PictureSet:
    """Read the pictograms that a recipe asks for."""
    source = load(Path(recipe.data.folder), splits, recipe.data.styles or None)
    if not recipe.data.unseen:
        return source
    labels = source.columns["label"]
    return source.take([place for place in range(len(source)) if not unseen(labels[place], recipe.data.unseen)])


def half(source: PictureSet, name: str) -> PictureSet:
    """Keep the pictures of half ``a`` or ``b``, or all of them for an empty name."""
    places = [place for place, key in enumerate(source.columns["key"]) if name in ("", half_of(key))]
    return source.take(places)


class Pictograms(World):
    """Pictograms; what a task does not ask for is not read."""

    shows = "emoji-like pictograms"
    people = (
        "People are drawn as emoji are, with the stereotypes of their designers, "
        "and are represented, never identified."
    )
    source = "pictograms (MIT, Apache-2.0, CC-BY-4.0; whose they are says ATTRIBUTION.md)"
    licence = "Apache-2.0; attribution of the pictures in ATTRIBUTION.md"
    styles: ClassVar[Mapping[str, str]] = {
        "3d": "a 3d render of {}",
        "flat": "{}, flat style",
        "noto": "{} in Noto style",
        "twemoji": "{} in Twemoji style",
        "blob": "{} in blob style",
        "emojione": "{} in EmojiOne style",
        "fx": "{} in FX style",
        "outlined": "{} in outlined style",
    }

    @classmethod
    def styles_of(cls, recipe: Recipe) -> Mapping[str, str]:
        """Return the styles that the recipe shows."""
        return {name: cls.styles[name] for name in sorted(recipe.data.styles or STYLES)}

    def captioned(self, step: int) -> Batch:
        """Return pictograms and scenes with one of their captions."""
        return self.caption_set(step)

    def pictures(self, step: int) -> Batch:
        """Return pictograms on white and other colours, alone and in scenes; captions play no part."""
        data, rows = self.recipe.data, self.recipe.optimiser.batch
        rng = stream(self.recipe.seed, 1, step)
        order = _places(self.recipe.seed, len(self.train), step * rows, rows)
        pictures = []
        for index in order:
            layers: NDArray[Any] = self.train.pictures[index]
            if self.scenes is not None and rng.random() < data.scenes:
                layers = self.scenes.draw(rng).picture
            ground = (255, 255, 255)
            if rng.random() < data.backgrounds:
                red, green, blue = rng.integers(0, 256, size=3).tolist()
                ground = (red, green, blue)
            pictures.append(composite(layers, ground))
        none = torch.zeros(rows, 0, dtype=torch.int64)
        return Batch(clean=signed(np.stack(pictures)), ids=none, mask=none.bool())

    def pairs(self, step: int) -> Batch:
        """Return pictograms and scenes of one half, and which captions are true of which."""
        return self.pair_set(step)

    @cached_property
    def train(self) -> PictureSet:
        """The pictures of the training split."""
        return pictograms_of(self.recipe)

    @cached_property
    def scenes(self) -> Scenes | None:
        """What draws scenes, where the recipe has some."""
        return Scenes(self.train) if self.recipe.data.scenes else None

    @cached_property
    def caption_set(self) -> Captioned:
        """Pictures, or latents, with captions."""
        return Captioned(self.recipe, self.train, self.words)

    @cached_property
    def pair_set(self) -> Paired:
        """Pictures of all splits with captions, for judges."""
        source = pictograms_of(self.recipe, SPLITS)
        return Paired(self.recipe, half(source, self.recipe.data.half), self.words)

    @classmethod
    def ship(cls, recipe: Recipe, folder: Path, *, draws: bool) -> None:
        """Write whose pictures were learned from, and which words a model that draws has seen."""
        source = Path(recipe.data.folder)
        if (source / "ATTRIBUTION.md").is_file():
            write_bytes(folder / "ATTRIBUTION.md", (source / "ATTRIBUTION.md").read_bytes())
        if draws and source.is_dir():
            train = pictograms_of(recipe)
            names = {name_of(from_columns(train.columns, place, tone="")) for place in range(len(train))}
            known = words_of(caption for captions in train.columns["captions"] for caption in captions)
            write_text(folder / FILE, json.dumps({"known": known, "names": sorted(names)}) + "\n")


class Captioned:
    """Pictograms (or their latents) with one of their captions, scenes of two of them, and some in other colours.

    Args:
        recipe: Says how often what is shown.
        source: The pictograms.
        words: Turns captions into tokens.
    """

    def __init__(self, recipe: Recipe, source: PictureSet, words: TokenVectors) -> None:
        self.recipe = recipe
        captions = [list(row) for row in source.columns["captions"]]
        toned = np.array([tone not in ("", "yellow") for tone in source.columns["tone"]])
        self.toned, self.plain = np.flatnonzero(toned), np.flatnonzero(~toned)
        pictures = [source.on()]
        self.single = len(source)
        if recipe.data.scenes:
            scenes = self.scenes(source, stream(recipe.seed, 2))
            pictures.append(np.stack([composite(scene.picture) for scene in scenes]))
            captions += [list(scene.captions) for scene in scenes]
        self.alone = len(captions)
        if recipe.data.recoloured:
            turned = recoloured(source, stream(recipe.seed, 6))
            pictures.append(composite(turned.pictures))
            captions += [list(row) for row in turned.columns["captions"]]
        codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None
        self.clean = states(np.concatenate(pictures), codec)
        self.captions = [caption for row in captions for caption in row]
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
        rows, rng = self.recipe.optimiser.batch, stream(self.recipe.seed, 1, step)
        order = self._order(step, rng)
        data, ends = self.recipe.data, (self.single, self.alone, len(self.clean))
        for share, first, end in zip((data.scenes, data.recoloured), ends, ends[1:], strict=False):
            if first < end:
                others = rng.integers(first, end, size=rows)
                order = np.where(rng.random(rows) < share, others, order)
        return order, rng.integers(self.starts[order], self.starts[order + 1])

    def batch(self, order: NDArray[np.int64], chosen: NDArray[np.int64]) -> Batch:
        """Return pictures and captions at these places."""
        words = torch.from_numpy(chosen)
        lengths = self.lengths[words]
        longest = int(lengths.max())
        return Batch(
            clean=self.clean[torch.from_numpy(order)],
            ids=self.ids[words, :longest],
            mask=torch.arange(longest) < lengths[:, None],
            captions=tuple(self.captions[place] for place in chosen),
        )

    def _order(self, step: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return which pictures a step shows: in passes over all of them, or over the two kinds by their share."""
        rows, seed, share = self.recipe.optimiser.batch, self.recipe.seed, self.recipe.data.toned
        if not share or not len(self.toned) or not len(self.plain):
            return _places(seed, self.single, step * rows, rows)
        toned, plain = (pool[_places(seed, len(pool), step * rows, rows)] for pool in (self.toned, self.plain))
        return np.where(rng.random(rows) < share, toned, plain)


class Paired(Captioned):
    """Pictograms and scenes with captions that are hard to tell apart."""

    def __init__(self, recipe: Recipe, source: PictureSet, words: TokenVectors) -> None:
        super().__init__(recipe, source, words)
        codes, styles = source.columns["codepoint"], source.columns["style"]
        number = {code: place for place, code in enumerate(dict.fromkeys(codes))}
        alone = range(len(number), len(number) + len(self.clean) - self.single)  # each scene is a thing of its own
        self.things = np.array([*(number[code] for code in codes), *alone])
        self.styles = np.array([*(KNOWN.index(style) for style in styles), *[-1] * len(alone)])
        texts = {text: place for place, text in enumerate(dict.fromkeys(self.captions))}
        self.texts = np.array([texts[caption] for caption in self.captions])
        self.open = np.array([not _STYLE.search(caption) for caption in self.captions])
        owners = np.repeat(np.arange(len(self.clean)), np.diff(self.starts))
        self.width = int(self.things.max()) + 1
        self.known = np.unique(self.texts * self.width + self.things[owners])
        self.kinds = list(zip(styles, source.columns["subgroup"], strict=True)), source.columns["label"]
        self.kin: dict[object, list[int]] = {}
        for place, kinds in enumerate(zip(*self.kinds, strict=True)):
            for kind in kinds:
                self.kin.setdefault(kind, []).append(place)

    def __call__(self, step: int) -> Batch:
        """Return the pairs of a step."""
        order, chosen = self.beside(*self.pick(step), stream(self.recipe.seed, 5, step))
        batch, jitter = self.batch(order, chosen), self.recipe.data.jitter
        clean = jittered(batch.clean, stream(self.recipe.seed, 4, step), jitter) if jitter else batch.clean
        true = torch.from_numpy(self.true(order, chosen))
        return Batch(clean=clean, ids=batch.ids, mask=batch.mask, captions=batch.captions, true=true)

    def scenes(self, source: PictureSet, rng: np.random.Generator) -> list[Example]:
        """Draw scenes of two things, each followed by the one in which they changed places."""
        world, scenes = Scenes(source), list[Example]()
        while len(scenes) < len(source) // 2:
            scene = world.draw(rng, count=None if rng.random() < 0.3 else 2)
            scenes += [scene, exchanged(scene) or world.draw(rng)]
        return scenes

    def beside(
        self, order: NDArray[np.int64], chosen: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Replace the last third by pictures that are hard to tell from those of the first third.

        They are of the same style and kind, or of the same name in any style and tone, or the exchanged scene.
        """
        order, chosen = order.copy(), chosen.copy()
        third = len(order) // 3
        for k, place in enumerate(order[:third].tolist(), len(order) - third):
            if place < self.single:
                kin = self.kin[self.kinds[int(rng.integers(2))][place]]
                order[k] = kin[int(rng.integers(len(kin)))]
            elif place < self.alone:
                order[k] = self.single + ((place - self.single) ^ 1)  # scenes lie in pairs
            chosen[k] = rng.integers(self.starts[order[k]], self.starts[order[k] + 1])
        return order, chosen

    def true(self, order: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which captions are true of which pictures: those that occur with what it shows, style included."""
        shown = np.isin(self.texts[chosen][:, None] * self.width + self.things[order], self.known)
        alike = self.open[chosen][:, None] | (self.styles[order][:, None] == self.styles[order])
        return np.asarray(shown & alike)


def _places(seed: int, size: int, start: int, count: int) -> NDArray[np.int64]:
    """Return places ``start`` to ``start + count`` of an endless row of shuffled passes over ``size`` pictures."""
    passes = range(start // size, (start + count - 1) // size + 1)
    order = np.concatenate([stream(seed, 0, number).permutation(size) for number in passes])
    first = start - passes.start * size
    return order[first : first + count]
