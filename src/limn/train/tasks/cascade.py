"""The second stage of a cascade: small pictograms to large ones by a diffusion (Nichol et al. 2022, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.networks.diffusion_upsampler import CONFIG, DiffusionUpsampler
from limn.train.batches import signed
from limn.train.card import About
from limn.train.losses import NoiseLevels, edges
from limn.train.recipe import Recipe, within
from limn.train.sheet import beside, psnr
from limn.train.sheet import pixels as as_bytes
from limn.train.task import autocast
from limn.train.tasks.upsampling import Upsampling, enlarged

_SHOWN = 8
_STEPS = 6
_LEAST = 0.2  # noise level below which errors count no more than at it


@dataclass(frozen=True, kw_only=True)
class Sharpening(NoiseLevels):
    """What is minimised.

    Args:
        blur: Most noise on small pictures.
        gradients: Weight of the L1 loss of picture gradients.
    """

    blur: float = 0.25
    gradients: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, "objective.", blur=(0, 1), gradients=(0, 100))


class Cascade(Upsampling):
    """Learning to denoise large pictures, given small ones."""

    paper = "nichol2022glide"
    config_file = CONFIG
    Network: ClassVar[Any] = DiffusionUpsampler
    Objective: ClassVar[Any] = Sharpening
    objective: Any
    network: Any

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step: squared errors of the clean picture over the noise level's square."""
        small, large = (part.to(self.device) for part in self.batch(step))
        generator, want = self.generator(step), self.objective
        time = want.levels(len(small), generator).to(self.device)
        blur = (want.blur * torch.rand(len(small), generator=generator)).to(self.device)
        noise, grain = (torch.randn(part.shape, generator=generator).to(self.device) for part in (large, small))
        x = torch.lerp(large, noise, time[:, None, None, None])
        with autocast(self.recipe, self.device):
            clean = self.network(x, time, small + blur[:, None, None, None] * grain, blur)
        error, weight = clean.float() - large, time.clamp(min=_LEAST) ** -2
        loss: Tensor = (weight * error.square().flatten(1).mean(1)).mean() + want.gradients * edges(error)
        return loss

    @torch.inference_mode()
    def show(self, network: Any) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures by Lanczos' filter, drawn by the network, and as they are; figures: mean PSNR in dB."""
        probe, true = self.probe[:_SHOWN], self.true[:_SHOWN]
        drawn = as_bytes(enlarge(network, signed(probe).to(self.device), steps=_STEPS))
        plain = np.stack([enlarged(picture, self.factor) for picture in probe])
        scores = {"psnr": float(psnr(drawn, true).mean()), "lanczos": float(psnr(plain, true).mean())}
        return beside(plain, drawn, true, columns=_SHOWN), scores

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="A second stage of a cascade: it draws pictograms large, given small ones",
            objective="squared errors of the clean picture",
            papers=(cls.paper, "saharia2021sr3"),
            does="enlarges",
            limits="It adds the edges that pictograms have, so other drawings gain less.",
        )


def enlarge(network: DiffusionUpsampler, small: Tensor, *, steps: int, blur: float = 0.1) -> Tensor:
    """Draw large pictures by Euler's method, from noise that the seed 1 decides.

    Args:
        network: Frozen.
        small: (rows, 3, height, width) in [-1, 1].
        steps: Evaluations.
        blur: Standard deviation of the noise that is put on the small pictures.
    """
    generator, scale = torch.Generator().manual_seed(1), network.config.factor
    rows, _, high, wide = small.shape
    x = torch.randn(rows, 3, scale * high, scale * wide, generator=generator).to(small)
    given = small + blur * torch.randn(small.shape, generator=generator).to(small)
    for k in range(steps):
        sigma = 1 - k / steps
        clean = network(x, x.new_full((rows,), sigma), given, x.new_full((rows,), blur))
        x = x + (clean - x) / (sigma * steps)
    return x
