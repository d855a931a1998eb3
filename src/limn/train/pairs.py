"""Pictures with a caption each, and which captions are true of which: what a dual encoder learns from.

A third of each batch is hard to tell from another third, for else a list of words would do: pictures of the same
kind and style or of the same name, scenes whose things changed places, shapes that exchanged a colour. Such
negatives teach order and attributes (Yuksekgonul et al. 2023, arXiv:2210.01936).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.data import people, shapes
from limn.data.example import Example
from limn.data.hard_negatives import exchanged
from limn.data.paraphrase import Dice
from limn.data.people.captions import phrase
from limn.data.pictograms import PictureSet, load
from limn.data.scenes import Scenes
from limn.data.shapes.hard_negatives import twin
from limn.data.split import SPLITS, STYLES, half_of
from limn.networks.token_embeddings import TokenVectors
from limn.train.batches import Captioned, signed, stream
from limn.train.recipe import Recipe

__all__ = ["PairFeed", "Pairs", "half", "holds", "pairs_for", "soften"]

_STYLE = re.compile(r"\b(?:3d|noto|twemoji|flat)\b", re.IGNORECASE)
_SIZE = re.compile(r"\b(?:small|little|tiny|large|big)\b")
_TEXTURE = re.compile(rf"\b(?:{'|'.join(shapes.TEXTURES)})\b")
_PLACE = re.compile(rf"\b(?:{'|'.join(shapes.PLACES)})\b")
_GROUND = re.compile(r"\b(?:background|picture with)\b")


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """What one step learns from.

    Args:
        clean: Clean states (rows, channels, height, width).
        ids: Token ids of one caption each (rows, words).
        mask: Which of them are real.
        true: Whether caption i is true of picture j, (rows, rows); the diagonal is.
    """

    clean: Tensor
    ids: Tensor
    mask: Tensor
    true: Tensor


class PairFeed(Protocol):
    """Any source of pairs."""

    def __call__(self, step: int) -> Pairs:
        """Return the pairs of a step, counted from 0."""
        ...


def pairs_for(recipe: Recipe, words: TokenVectors) -> PairFeed:
    """Return the feed that a recipe asks for."""
    if recipe.data.world == "shapes":
        return _Shapes(recipe, words).pairs
    if recipe.data.world == "people":
        return _People(recipe, words).pairs
    source = load(Path(recipe.data.folder), SPLITS, recipe.data.styles or None)
    return _Pictograms(recipe, half(source, recipe.data.half), words).pairs


def half(source: PictureSet, name: str) -> PictureSet:
    """Keep the pictures of half ``a`` or ``b``, or all of them for an empty name."""
    places = [place for place, key in enumerate(source.columns["key"]) if name in ("", half_of(key))]
    return source.take(places)


def soften(states: Tensor, rng: np.random.Generator, share: float) -> Tensor:
    """Move, scale and blur a share of pictures a little, as generators and autoencoders do; colours stay.

    Args:
        states: Pictures (rows, channels, height, width).
        rng: Source of every choice.
        share: How many of them.

    Returns:
        The same shape.
    """
    rows, channels = states.shape[:2]
    chosen = torch.from_numpy(rng.random(rows) < share)
    scale = torch.from_numpy(rng.uniform(0.95, 1.25, rows)).float()
    shift = torch.from_numpy(rng.uniform(-0.12, 0.12, (rows, 2))).float()
    blur = torch.from_numpy(rng.uniform(0, 1, rows)).float()
    maps = torch.zeros(rows, 2, 3)
    maps[:, 0, 0] = maps[:, 1, 1] = torch.where(chosen, scale, 1.0)
    maps[:, :, 2] = torch.where(chosen[:, None], shift, 0.0)
    places = F.affine_grid(maps, list(states.shape), align_corners=False)
    ground = states[:, :, :1, :1]  # what comes in from outside has the colour of the corner
    moved = F.grid_sample(states - ground, places, padding_mode="zeros", align_corners=False) + ground
    weights = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = (weights[:, None] * weights).expand(channels, 1, 3, 3)
    blurred = F.conv2d(F.pad(moved, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)
    return torch.lerp(moved, blurred, torch.where(chosen, blur, 0.0)[:, None, None, None])


class _Pictograms(Captioned):
    """Pictograms and scenes of one half, each with one of its captions."""

    def __init__(self, recipe: Recipe, source: PictureSet, words: TokenVectors) -> None:
        super().__init__(recipe, source, words)
        codes, styles = source.columns["codepoint"], source.columns["style"]
        number = {code: place for place, code in enumerate(dict.fromkeys(codes))}
        alone = range(len(number), len(number) + len(self.clean) - self.single)  # each scene is a thing of its own
        self.things = np.array([*(number[code] for code in codes), *alone])
        self.styles = np.array([*(STYLES.index(style) for style in styles), *[-1] * len(alone)])
        texts = {text: place for place, text in enumerate(dict.fromkeys(self.captions))}
        self.texts = np.array([texts[caption] for caption in self.captions])
        self.open = np.array([not _STYLE.search(caption) for caption in self.captions])
        owners = np.repeat(np.arange(len(self.clean)), np.diff(self.starts))
        self.width = int(self.things.max()) + 1
        self.known = np.unique(self.texts * self.width + self.things[owners])
        columns = source.columns
        self.kinds = list(zip(styles, columns["subgroup"], strict=True)), columns["label"]
        self.kin: dict[object, list[int]] = {}
        for place, each in enumerate(zip(*self.kinds, strict=True)):
            for kind in each:
                self.kin.setdefault(kind, []).append(place)

    def scenes(self, source: PictureSet, rng: np.random.Generator) -> list[Example]:
        """Draw scenes of two things, each followed by the one in which they changed places."""
        world, found = Scenes(source), list[Example]()
        while len(found) < len(source) // 2:
            scene = world.draw(rng, count=None if rng.random() < 0.3 else 2)
            found += [scene, exchanged(scene) or world.draw(rng)]
        return found

    def pairs(self, step: int) -> Pairs:
        """Return the pairs of a step."""
        order, said = self.beside(*self.pick(step), stream(self.recipe.seed, 5, step))
        found = self.batch(order, said)
        clean = found.clean
        if self.recipe.data.jitter:
            clean = soften(clean, stream(self.recipe.seed, 4, step), self.recipe.data.jitter)
        return Pairs(clean=clean, ids=found.ids, mask=found.mask, true=torch.from_numpy(self.true(order, said)))

    def beside(
        self, order: NDArray[np.int64], said: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Replace the last third by pictures that are hard to tell from those of the first third.

        They are of the same style and kind, or of the same name in any style and tone, or the exchanged scene.
        """
        order, said = order.copy(), said.copy()
        third = len(order) // 3
        for k, place in enumerate(order[:third].tolist(), len(order) - third):
            if place < self.single:
                kin = self.kin[self.kinds[int(rng.integers(2))][place]]
                order[k] = kin[int(rng.integers(len(kin)))]
            else:
                order[k] = self.single + ((place - self.single) ^ 1)  # scenes lie in pairs
            said[k] = rng.integers(self.starts[order[k]], self.starts[order[k] + 1])
        return order, said

    def true(self, order: NDArray[np.int64], said: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which captions are true of which pictures: those that occur with what it shows, style included."""
        shown = np.isin(self.texts[said][:, None] * self.width + self.things[order], self.known)
        alike = self.open[said][:, None] | (self.styles[order][:, None] == self.styles[order])
        return np.asarray(shown & alike)


class _Shapes:
    """Shapes scenes, each beside a twin that differs in little."""

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        self.recipe, self.words = recipe, words

    def pairs(self, step: int) -> Pairs:
        """Return the pairs of a step."""
        rows, rng = self.recipe.optimiser.batch, stream(self.recipe.seed, 1, step)
        _, scenes = shapes.batch(rng, rows - rows // 2, split="all")
        scenes += [twin(scene, rng) for scene in scenes[: rows // 2]]
        pictures = np.stack([shapes.render(scene) for scene in scenes])
        captions = [shapes.caption(scene, rng, full=0.6) for scene in scenes]
        clean = signed(pictures)
        if self.recipe.data.jitter:
            clean = soften(clean, rng, self.recipe.data.jitter)
        ids, mask = self.words.ids(captions)
        return Pairs(clean=clean, ids=ids, mask=mask, true=torch.from_numpy(holds(captions, scenes)))


class _People:
    """Person icons of all kinds, each with a caption that names some of what it shows."""

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        self.recipe, self.words = recipe, words

    def pairs(self, step: int) -> Pairs:
        """Return the pairs of a step."""
        rng = stream(self.recipe.seed, 1, step)
        pictures, shown = people.batch(rng, self.recipe.optimiser.batch, population=people.Population())
        facts = [
            {name: getattr(each, name) for name in people.FIELDS if name == "profession" or rng.random() < 0.5}
            for each in shown
        ]
        clean = signed(pictures)
        if self.recipe.data.jitter:
            clean = soften(clean, rng, self.recipe.data.jitter)
        ids, mask = self.words.ids([phrase(each, Dice(rng)) for each in facts])
        true = [[all(getattr(one, k) == v for k, v in said.items()) for one in shown] for said in facts]
        return Pairs(clean=clean, ids=ids, mask=mask, true=torch.tensor(true))


def holds(captions: list[str], scenes: list[shapes.Scene]) -> NDArray[np.bool_]:
    """Say which captions are true of which scenes, (n, n); caption i was made from scene i."""
    true = np.eye(len(scenes), dtype=bool)
    same: dict[object, list[int]] = {}
    for place, scene in enumerate(scenes):
        same.setdefault(_facts(scene, ""), []).append(place)
    for places in same.values():
        for i in places:
            said = _facts(scenes[i], captions[i])
            for j in places:
                true[i, j] = _facts(scenes[j], captions[i]) == said
    return true


def _facts(scene: shapes.Scene, caption: str) -> object:
    """Return what a caption of this wording would say of a scene."""
    size, texture, place, ground = (bool(pattern.search(caption)) for pattern in (_SIZE, _TEXTURE, _PLACE, _GROUND))
    things = [
        (each.colour, each.shape, size and each.size, texture and each.texture, place and each.place)
        for each in scene.objects
    ]
    return frozenset(things), ground and scene.background
