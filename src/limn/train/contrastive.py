"""Training of dual encoders: pictures and their captions meet, all others part.

The loss is the symmetric one of CLIP (Radford et al. 2021, arXiv:2103.00020). A caption that is true of another
picture of the batch is no negative of it: such pairs are left out of both sums.
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
from torch import Tensor, nn

from limn.data import shapes
from limn.data.pictograms import PictureSet, load
from limn.data.shapes.twins import twin
from limn.data.split import SPLITS, STYLES, half_of
from limn.encoders.text import TokenVectors
from limn.networks.autoencoder import Autoencoder
from limn.networks.dual_encoder import DualEncoder
from limn.train.export import averaged, build
from limn.train.feed import Captioned, signed, stream
from limn.train.losses import noise_levels
from limn.train.recipe import Recipe
from limn.train.tasks import autocast, grid, pixels

__all__ = ["Contrastive", "Pairs", "half", "info_nce", "soften"]

_PROBE = 2**40  # batches from here on are shown, never learned from
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


class _Feed(Protocol):
    def __call__(self, step: int) -> Pairs: ...


def info_nce(logits: Tensor, true: Tensor | None = None) -> Tensor:
    """Mean cross entropy of finding the own picture by the caption, and the own caption by the picture.

    Args:
        logits: Scaled similarity of caption i and picture j, (rows, rows).
        true: Which captions are true of which pictures; off the diagonal these pairs are left out.

    Returns:
        A scalar.

    >>> float(info_nce(torch.zeros(4, 4)))  # the logarithm of 4
    1.3862943649291992
    """
    own = torch.arange(len(logits), device=logits.device)
    if true is not None:
        also = true.clone()
        also[own, own] = False
        logits = logits.masked_fill(also, -torch.inf)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


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
        self.kin: dict[tuple[str, str], list[int]] = {}
        self.kinds = list(zip(styles, source.columns["subgroup"], strict=True))
        for place, kind in enumerate(self.kinds):
            self.kin.setdefault(kind, []).append(place)

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
        """Replace the last quarter by pictures of the style and kind of the first: those that are hard to tell."""
        order, said = order.copy(), said.copy()
        for k, place in enumerate(order[: len(order) // 4].tolist(), 3 * len(order) // 4):
            if place < self.single:
                kin = self.kin[self.kinds[place]]
                order[k] = kin[int(rng.integers(len(kin)))]
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


def _feed(recipe: Recipe, words: TokenVectors) -> _Feed:
    if recipe.data.world == "shapes":
        return _Shapes(recipe, words).pairs
    source = load(Path(recipe.data.folder), SPLITS, recipe.data.styles or None)
    return _Pictograms(recipe, half(source, recipe.data.half), words).pairs


class Contrastive:
    """The task of a dual encoder, for the loop."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device, self.words = recipe, device, TokenVectors()
        network = build(recipe).to(device)
        assert isinstance(network, DualEncoder)
        self.network = network
        self.feed = _feed(recipe, self.words)
        self.codec = averaged(Path(recipe.data.autoencoder)) if recipe.data.autoencoder else None

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step; a noisy encoder learns at random noise levels."""
        found = self.feed(step)
        clean, time = found.clean, None
        if self.network.config.noisy:
            generator = torch.Generator().manual_seed(int(stream(self.recipe.seed, 3, step).integers(2**62)))
            time = noise_levels(len(clean), self.recipe.objective, generator)
            clean = torch.lerp(clean, torch.randn(clean.shape, generator=generator), time[:, None, None, None])
            time = time.to(self.device)
        with autocast(self.recipe, self.device):
            images = self.network.images(clean.to(self.device), time)
            texts = self._texts(self.network, found)
        return info_nce(self.network.scale * texts @ images.T, found.true.to(self.device))

    def finish(self, network: nn.Module) -> None:
        """Nothing is left to measure."""

    @torch.inference_mode()
    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show the pictures nearest to each of eight captions; the figures are shares found in a batch."""
        assert isinstance(network, DualEncoder)
        found = self.feed(_PROBE)
        close = self._texts(network, found) @ network.images(found.clean.to(self.device)).T
        order = close.argsort(1, descending=True).cpu()
        right = found.true.gather(1, order)
        rows = found.clean[order[:8, :8].flatten()]
        pictures = pixels(self.codec.decode(rows) if isinstance(self.codec, Autoencoder) else rows)
        first, five = (float(right[:, :count].any(1).float().mean()) for count in (1, 5))
        return grid(pictures), {"top1": first, "top5": five}

    def _texts(self, network: DualEncoder, found: Pairs) -> Tensor:
        vectors = self.words.vectors(found.ids) * found.mask[..., None]
        return network.texts(vectors.to(self.device), found.mask.to(self.device))
