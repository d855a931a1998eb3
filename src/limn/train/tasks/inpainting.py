"""Painting into pictures: a model that draws also sees a picture with holes (Nichol et al. 2022, section 2.4).

The network has further input channels, for what is known of the picture and where. Their weights start at zero, so
that a network that starts from one without them answers as that one does until it has learned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.codecs.latents import Latents
from limn.codecs.pixels import Pixels
from limn.kernel.codec import Codec
from limn.kernel.errors import InputError
from limn.kernel.known import known
from limn.networks.autoencoder import Autoencoder
from limn.networks.transformer import Transformer
from limn.train.batches import PROBE, Batch, stream
from limn.train.card import About
from limn.train.recipe import Recipe, within
from limn.train.sheet import beside, pixels, psnr
from limn.train.task import autocast
from limn.train.tasks.generator import Drawing, Generator, generation

_SHOWN = 16
_MOST = 3  # holes of a picture


@dataclass(frozen=True, kw_only=True)
class Painting(Drawing):
    """What is minimised.

    Args:
        blank: Share of pictures of which nothing is known, so that the model still draws from words alone.
    """

    blank: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, "objective.", blank=(0, 1), partial=(0, 0))


class Inpainting(Generator):
    """Learning to draw from words what is missing of a picture."""

    paper = "nichol2022glide"
    Objective = Painting
    objective: Painting

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        shape = self.network.config
        if shape.given != 1 + shape.channels:
            raise InputError(f"network.given: must be 1 + network.channels = {1 + shape.channels} for inpainting")
        self.pictures: Codec = Latents(self.codec) if isinstance(self.codec, Autoencoder) else Pixels()

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch, text, mask, generator = self.batch(step)
        clean, given = self.holed(batch, step)
        with autocast(self.recipe, self.device):
            return generation(
                lambda x, time: self.answer(x, time, text, mask, given=given), clean, self.objective, generator
            )

    @torch.no_grad()
    def holed(self, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        """Return the clean states of a step, and what is known of their pictures (rows, 1 + channels, ...)."""
        image = self.pictures.decode(batch.clean).clamp(-1, 1)
        inside = holes(stream(self.recipe.seed, 9, step), *image.shape[::2], blank=self.objective.blank)
        given = known(self.pictures, image, torch.from_numpy(inside))
        return batch.clean.to(self.device), given.to(self.device)

    def show(self, network: Transformer) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures with holes, what is drawn into them and what was there; figure: PSNR against that."""
        batch = self.captioned(PROBE)
        clean, given = (part[:_SHOWN] for part in self.holed(batch, PROBE))
        told: Any = partial(network, given=given)
        drawn = self.draw(told, list(batch.captions[:_SHOWN]))
        with torch.no_grad():
            seen, true = (pixels(self.pictures.decode(state.cpu())) for state in (given[:, 1:], clean))
        return beside(seen, drawn, true), {"psnr": float(psnr(drawn, true).mean())}

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        about = super().about(recipe)
        return replace(
            about, kind="A text-to-image model that paints into pictures", papers=(*about.papers, cls.paper)
        )


def holes(rng: np.random.Generator, rows: int, side: int, *, blank: float) -> NDArray[np.bool_]:
    """Return what is missing of square pictures, (rows, side, side): one to three rectangles each, or all.

    Args:
        rng: Source of every choice.
        rows: How many pictures.
        side: Their side in pixels.
        blank: Share of pictures of which all is missing.
    """
    inside = np.zeros((rows, side, side), bool)
    for hole in inside:
        for _ in range(int(rng.integers(1, _MOST + 1))):
            high, wide = rng.integers(side // 8, side * 7 // 8, 2, endpoint=True)
            top, left = rng.integers(0, side - high, endpoint=True), rng.integers(0, side - wide, endpoint=True)
            hole[top : top + high, left : left + wide] = True
    inside[rng.random(rows) < blank] = True
    return inside
