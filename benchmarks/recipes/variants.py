"""What is compared: each variant differs from the first one in one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any, Literal

from torch import nn

from limn.train.network import build
from limn.train.recipe import Data, Objective, Optimiser, Recipe, Schedule

__all__ = ["VARIANTS", "Variant"]

AUTOENCODER = "emoji"

BASE = Recipe(
    name="base",
    ema=0.99,
    data=Data(world="pictograms", styles=("3d",), autoencoder=AUTOENCODER),
    network={"width": 192, "depth": 6, "heads": 4, "channels": 16, "grid": 8, "patch": 1, "text_width": 128},
    optimiser=Optimiser(name="muon", lr=0.001, batch=32),
    schedule=Schedule(minutes=1),  # the trial keeps the time
)
_PIXELS = {**BASE.network, "channels": 3, "grid": 32, "patch": 4}
_LARGE_PIXELS = {**BASE.network, "channels": 3, "grid": 64, "patch": 8}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to train.

    Args:
        what: What differs from the first variant, in words.
        recipe: Data, network, objective and optimiser.
        side: Pixels along a side of what pixel models learn; 64 for latents.
        unet: Train diffusers' conditional U-Net of about the same number of weights instead.
        captions: Which captions are said: all, only short labels, or only those that name much.
        dropped: Share of picture tokens that training steps leave out in the first three quarters of the time.
        words: Where words go: into the sequence and the norms, or one of the two.
        grow: Half of the time on 32 pixels, then twice as many.
        flat: Share of the time after which the learning rate falls.
    """

    what: str
    recipe: Recipe = BASE
    side: int = 64
    unet: bool = False
    captions: Literal["all", "short", "full"] = "all"
    dropped: float = 0.0
    words: Literal["both", "sequence", "norms"] = "both"
    grow: bool = False
    flat: float = 0.6

    def network(self) -> nn.Module:
        """Build the network with its first weights."""
        if not self.unet:
            return build(self.recipe)
        from benchmarks.recipes.unet import Unet

        return Unet()


def _with(**fields: Any) -> Recipe:
    return changed(BASE, **fields)


def _objective(**fields: Any) -> Recipe:
    return _with(objective=changed(Objective(), **fields))


def _optimiser(**fields: Any) -> Recipe:
    return _with(optimiser=changed(BASE.optimiser, **fields))


def _pixels(network: Mapping[str, Any]) -> Recipe:
    return _with(network=dict(network), data=changed(BASE.data, autoencoder=""))


_FAST = _optimiser(lr=0.002)


def _noise(mean: float) -> Recipe:
    """The winner at higher noise levels."""
    return changed(_FAST, objective=Objective(time_mean=mean))


VARIANTS: Mapping[str, Variant] = {
    "base": Variant(what="latents, transformer, flow, Muon, all captions"),
    "pixels 32": Variant(what="pixels at 32, patches of 4", recipe=_pixels(_PIXELS), side=32),
    "pixels 32 then 64": Variant(what="pixels, 32 then 64", recipe=_pixels(_LARGE_PIXELS), grow=True),
    "u-net": Variant(what="diffusers' U-Net on latents", unet=True),
    "x0": Variant(what="answers the clean latents", recipe=_objective(target="x0")),
    "v": Variant(what="answers v", recipe=_objective(target="v")),
    "short captions": Variant(what="short labels only", captions="short"),
    "full captions": Variant(what="captions that name every factor only", captions="full"),
    "half the tokens": Variant(what="half of the picture tokens in most steps", dropped=0.5),
    "words in sequence": Variant(what="no words in the norms", words="sequence"),
    "words in norms": Variant(what="no words in the sequence", words="norms"),
    "adamw": Variant(what="AdamW alone", recipe=_optimiser(name="adamw")),
    "batch 16": Variant(what="half the batch", recipe=_optimiser(batch=16)),
    "batch 64": Variant(what="twice the batch", recipe=_optimiser(batch=64)),
    "rate 0.0005": Variant(what="half the learning rate", recipe=_optimiser(lr=0.0005)),
    "rate 0.002": Variant(what="twice the learning rate", recipe=_optimiser(lr=0.002)),
    "falls at once": Variant(what="the rate falls from the start", flat=0.0),
    "together": Variant(what="half the tokens at twice the rate", recipe=_FAST, dropped=0.5),
    "noise 0.5": Variant(what="together, more noise: time_mean 0.5", recipe=_noise(0.5), dropped=0.5),
    "noise 1": Variant(what="together, time_mean 1", recipe=_noise(1.0), dropped=0.5),
    "noise 1.5": Variant(what="together, time_mean 1.5", recipe=_noise(1.5), dropped=0.5),
    "noise 2": Variant(what="together, time_mean 2", recipe=_noise(2.0), dropped=0.5),
}
"""Variants by name, the most telling first."""
