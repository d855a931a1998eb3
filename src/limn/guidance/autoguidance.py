"""Autoguidance: away from the answer of a worse version of the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from limn.guidance._weakened import named
from limn.guidance.pag import Skip
from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class AutoGuidance(Guidance):
    """Guide as ``worse + scale * (base - worse)`` (Karras et al. 2024, equation 3).

    Both answer the same prompt; what the worse one gets wrong the better one gets wrong less, so the difference
    points to better pictures without making them all alike. The worse version is another model, such as an earlier
    checkpoint or a smaller one, or this model with some layers crippled: a share of the channels of their attention
    is always silent, or the layers are left out. The formula is affine, so it is the same for clean states, noise
    and logits.

    Args:
        scale: Guidance scale from 0 to 100; 1 asks nothing more and changes nothing.
        model: Folder or name of the worse model, which must work on the same states and noise levels, or the
            safetensors file of a low-rank change; this model's own layers are crippled when empty.
        layers: Which layers, counted from 0 at the input; the middle one when empty.
        dropout: Share of the channels that are silent, above 0 to 1; at 1 the layers are left out.

    >>> AutoGuidance(model="checkpoint-1000").adapters
    ('checkpoint-1000',)
    """

    paper: ClassVar[str] = "karras2024autoguidance"
    aliases: ClassVar[tuple[str, ...]] = ("auto_guidance",)
    space: ClassVar[str] = "any"
    slot: ClassVar[str] = "scale"

    scale: float = 2.0
    model: str = ""
    layers: tuple[int, ...] = ()
    dropout: float = 1.0

    def __post_init__(self) -> None:
        self.check("scale", 0, 100)
        if not 0 < self.dropout <= 1:
            raise InputError(f"dropout: {self.dropout} is not allowed; give a number above 0 and up to 1")
        if self.model and (self.layers or self.dropout < 1):
            raise InputError("model: takes the place of layers and dropout; leave one or the other out")
        if any(layer < 0 for layer in self.layers):
            raise InputError(f"layers: {min(self.layers)} is not allowed; layers are counted from 0")

    @property
    def adapters(self) -> tuple[str, ...]:
        """The worse model, where one is named and asked."""
        return (self.model,) if self.model and self.scale != 1 else ()

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask the worse version."""
        if self.scale == 1:
            return branches
        main = branches["main"]
        edit = Skip(layers=self.layers) if self.dropout == 1 else Dropout(layers=self.layers, share=self.dropout)
        return {**branches, "worse": replace(main, adapter=self.model) if self.model else main.edited(edit)}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add ``(scale - 1) * (base - worse)`` to ``main``."""
        if self.scale == 1:
            return predictions
        main, base = predictions["main"], predictions.get("base", predictions["main"])
        return {**predictions, "main": main + (self.scale - 1) * (base - predictions["worse"])}


@dataclass(frozen=True, kw_only=True)
class Dropout(AttentionEdit):
    """Channels of the values are silent, always the same of a layer, and the others as much louder.

    Args:
        layers: Which layers, as in :class:`AutoGuidance`.
        share: Of the channels that are silent.
    """

    layers: tuple[int, ...]
    share: float

    def touches(self, site: AttentionSite) -> bool:
        """Act in the layers named."""
        return named(self.layers, site)

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        """Return the values (rows, heads, keys, width) without the silent channels."""
        chance = torch.rand(value.shape[1], 1, value.shape[3], generator=torch.Generator().manual_seed(site.layer))
        return value * ((chance >= self.share) / (1 - self.share)).to(value)
