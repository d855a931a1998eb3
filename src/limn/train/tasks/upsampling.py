"""Upsamplers: small pictograms, as a generator draws them or crisp, to what they are at full size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limn.data.picture_set import packed, pixels
from limn.io.pictures import composite
from limn.kernel.errors import InputError
from limn.networks.upsampler import CONFIG, Upsampler
from limn.train.batches import reconstructed, signed, stream
from limn.train.card import About
from limn.train.losses import edges
from limn.train.recipe import Recipe
from limn.train.sheet import beside, psnr
from limn.train.sheet import pixels as as_bytes
from limn.train.task import Objective, Task, autocast

CROP = 32
"""Side of what a step sees of a small picture."""

HELD_OUT = ("pair", "cell")
"""Splits that are shown and measured, and never learned from."""

_LANCZOS = Image.Resampling.LANCZOS
_MEAN = 0.5  # share of small pictures whose pixels are means, as those of pictograms drawn small nearly are
_MOST = 6_000  # pictures that are learned from; more take longer to read than they help
_CRISP = 0.25
_NOISE = 0.15  # most noise on latents, whose own standard deviation is 1
_LEAST = 16  # pixels of a small picture
_SHOWN = 8
_PROBE = 64


def on_white(png: bytes) -> NDArray[np.uint8]:
    """Decode a PNG of our own and lay it on white: (height, width, 3)."""
    return composite(pixels(png))


def reduced(picture: NDArray[np.uint8], factor: int, how: Image.Resampling = _LANCZOS) -> NDArray[np.uint8]:
    """Reduce a picture (height, width, 3) by a factor with Lanczos' filter or another one."""
    size = (picture.shape[1] // factor, picture.shape[0] // factor)
    return np.asarray(Image.fromarray(picture).resize(size, how))


def enlarged(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Enlarge a picture (height, width, 3) by a factor with Lanczos' filter, which an upsampler has to beat."""
    size = (picture.shape[1] * factor, picture.shape[0] * factor)
    return np.asarray(Image.fromarray(picture).resize(size, _LANCZOS))


@dataclass(frozen=True, kw_only=True)
class Enlarging(Objective):
    """What an upsampler minimises.

    Args:
        gradients: Weight of the L1 loss of picture gradients.
    """

    gradients: float = 0.5


def enlarging(picture: Tensor, clean: Tensor, objective: Enlarging) -> Tensor:
    """Absolute errors of pictures and of their gradients.

    Args:
        picture: Enlarged pictures (rows, 3, height, width) in [-1, 1].
        clean: The pictures as they are at that size.
        objective: Weight of the gradients.

    Returns:
        A scalar.
    """
    error = picture.float() - clean
    return error.abs().mean() + objective.gradients * edges(error)


class Upsampling(Task[Upsampler, Enlarging]):
    """Learning to enlarge; the recipe's ``data.autoencoder`` names the one whose pictures are to be enlarged."""

    paper = "lim2017edsr"
    config_file = CONFIG
    Network = Upsampler
    Objective = Enlarging

    def __init__(self, recipe: Recipe, device: str) -> None:
        if recipe.data.world != "pictograms":
            raise InputError(f"data.world: {recipe.data.world} has no large pictures; upsampling needs pictograms")
        super().__init__(recipe, device)
        self.factor = self.network.factor
        source, held = (self._files(splits) for splits in (("train",), HELD_OUT))
        rng = stream(recipe.seed, 2)
        self.large = [source[place] for place in rng.permutation(len(source))[:_MOST]]
        self.crisp = np.stack([self._small(png, rng.random() < _MEAN) for png in self.large])
        self.soft = self._softened(self.crisp, rng)
        self.side = min(CROP, *self.crisp.shape[1:3])
        shown = stream(recipe.seed, 4)
        probe = [held[place] for place in shown.permutation(len(held))[:_PROBE]] or self.large[:_PROBE]
        self.true = np.stack([on_white(png) for png in probe])
        self.probe = self._softened(np.stack([self._small(png) for png in probe]), shown)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return what a step learns from: corresponding parts of small and of large pictures.

        Args:
            step: Counted from 0.

        Returns:
            States (rows, 3, side, side) and (rows, 3, factor * side, factor * side).
        """
        rng, rows, side = stream(self.recipe.seed, 1, step), self.recipe.optimiser.batch, self.side
        small, large = list[NDArray[np.uint8]](), list[NDArray[np.uint8]]()
        for place in rng.integers(len(self.large), size=rows).tolist():
            source = self.crisp if rng.random() < _CRISP else self.soft
            top, left = (int(rng.integers(length - side + 1)) for length in source.shape[1:3])
            turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
            for parts, picture, scale in (
                (small, source[place], 1),
                (large, on_white(self.large[place]), self.factor),
            ):
                part = picture[scale * top : scale * (top + side), scale * left : scale * (left + side)]
                part = np.rot90(part, turns)
                parts.append(part[:, ::-1] if mirrored else part)
        return signed(np.stack(small)), signed(np.stack(large))

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        small, large = (part.to(self.device) for part in self.batch(step))
        with autocast(self.recipe, self.device):
            picture = self.network(small)
        return enlarging(picture, large, self.objective)

    @torch.inference_mode()
    def show(self, network: Upsampler) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures by Lanczos' filter, by the network, and as they are; the figures are mean PSNR in dB."""
        parts = [network(signed(part).to(self.device)) for part in np.array_split(self.probe, 8) if len(part)]
        learned = as_bytes(torch.cat(parts))
        plain = np.stack([enlarged(picture, self.factor) for picture in self.probe])
        scores = {"psnr": float(psnr(learned, self.true).mean()), "lanczos": float(psnr(plain, self.true).mean())}
        return beside(*(part[:_SHOWN] for part in (plain, learned, self.true)), columns=_SHOWN), scores

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="An upsampler: it enlarges pictograms",
            objective="absolute errors of pixels and gradients",
            papers=("shi2016subpixel", cls.paper),
            does="enlarges",
            limits="It adds the edges that pictograms have, so other drawings gain less and photographs may lose. "
            "It cannot bring back what a small picture does not show.",
        )

    @classmethod
    def size(cls, network: Upsampler, config: Mapping[str, Any]) -> int:
        """Return the side in pixels of the pictures that it enlarges to."""
        return 64 * network.factor

    def _files(self, splits: tuple[str, ...]) -> list[bytes]:
        data = self.recipe.data
        return packed(Path(data.folder), splits, data.styles or None)["picture"]

    def _small(self, png: bytes, mean: bool = False) -> NDArray[np.uint8]:
        picture = on_white(png)
        if min(picture.shape[:2]) < _LEAST * self.factor:
            raise InputError(
                f"data.folder: pictures of {picture.shape[1]} pixels are too small to learn from; build larger ones "
                "with `limn data build pictograms --size 256 --out data/pictograms_256`"
            )
        return reduced(picture, self.factor, Image.Resampling.BOX if mean else _LANCZOS)

    def _softened(self, pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        if not self.recipe.data.autoencoder:
            return pictures
        return as_bytes(reconstructed(pictures, self.recipe.data.autoencoder, rng, _NOISE))
