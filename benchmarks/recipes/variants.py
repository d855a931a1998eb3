"""What is compared: each variant differs from the first one in one thing."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any, Literal

from torch import Tensor, nn

from limn.train.network import build
from limn.train.recipe import Data, Optimiser, Recipe, Schedule

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
        return Unet() if self.unet else build(self.recipe)


class Unet(nn.Module):
    """The library's answer: diffusers' conditional U-Net of latents of 16 channels and 8 x 8 cells."""

    def __init__(self) -> None:
        super().__init__()
        from diffusers import UNet2DConditionModel

        self.inner = UNet2DConditionModel(
            sample_size=8, in_channels=16, out_channels=16, block_out_channels=(64, 96), layers_per_block=1,
            norm_num_groups=16, attention_head_dim=4, cross_attention_dim=128,
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        )  # fmt: skip

    def forward(self, state: Tensor, time: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Answer as the transformer does; a row without words sees zeros."""
        words = text * mask.unsqueeze(-1).to(text.dtype)
        seen = mask | ~mask.any(1, keepdim=True)
        answer: Tensor = self.inner(
            state, time * 1000, encoder_hidden_states=words, encoder_attention_mask=seen
        ).sample
        return answer


def _objective(base: Recipe = BASE, **fields: Any) -> Recipe:
    return changed(base, objective=fields)


def _optimiser(**fields: Any) -> Recipe:
    return changed(BASE, optimiser=changed(BASE.optimiser, **fields))


def _pixels(grid: int, patch: int) -> Recipe:
    network = {**BASE.network, "channels": 3, "grid": grid, "patch": patch}
    return changed(BASE, network=network, data=changed(BASE.data, autoencoder=""))


_FAST = _optimiser(lr=0.002)


VARIANTS: Mapping[str, Variant] = {
    "base": Variant(what="latents, transformer, flow, Muon, all captions"),
    "pixels 32": Variant(what="pixels at 32, patches of 4", recipe=_pixels(32, 4), side=32),
    "pixels 32 then 64": Variant(what="pixels, 32 then 64", recipe=_pixels(64, 8), grow=True),
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
    **{
        f"noise {noise:g}": Variant(
            what=f"together{more} time_mean {noise:g}", recipe=_objective(_FAST, time_mean=noise), dropped=0.5
        )
        for noise, more in ((0.5, ", more noise:"), (1.0, ","), (1.5, ","), (2.0, ","))
    },
}
"""Variants by name, the most telling first."""
