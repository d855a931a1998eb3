"""PAG-attention and skip-layer guidance: away from an answer that does not see the picture as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.guidance._weakened import Weakened, named
from limn.kernel.attention import AttentionEdit, AttentionSite


@dataclass(frozen=True, kw_only=True)
class PAG(Weakened):
    """Guide as ``main + scale * (base - perturbed)`` (Ahn et al. 2024, section 4).

    The perturbed answer is the model's own with some layers crippled: either every picture token attends to no
    picture token but itself (perturbed attention), or the layers are left out (skip-layer guidance). Words are seen
    as before. The formula is affine, so it is the same for clean states, noise and logits.

    Args:
        scale: From 0 to 100; 0 asks nothing more and changes nothing.
        mode: ``identity`` (perturbed attention) or ``skip`` (skip-layer).
        layers: Which layers, counted from 0 at the input; the middle one when empty.
        low: Guide only above this noise over signal.
        high: Guide only up to this noise over signal; without a limit when ``None``.

    >>> PAG(scale=2, layers=(3, 4)).layers
    (3, 4)
    """

    paper: ClassVar[str] = "ahn2024perturbed"
    aliases: ClassVar[tuple[str, ...]] = ("perturbed",)
    space: ClassVar[str] = "any"
    branch: ClassVar[str] = "perturbed"

    mode: Literal["identity", "skip"] = "identity"

    def edit(self) -> AttentionEdit:
        """Return what cripples the layers."""
        return (Identity if self.mode == "identity" else Skip)(layers=self.layers)


@dataclass(frozen=True, kw_only=True)
class Identity(AttentionEdit):
    """Picture tokens see no picture token but themselves."""

    layers: tuple[int, ...]

    def touches(self, site: AttentionSite) -> bool:
        """Act where the picture attends to itself."""
        return site.kind != "cross" and named(self.layers, site)

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        """Return ``-inf`` between different picture tokens; with keys of earlier tokens, counted from the end."""
        queries, keys = query.shape[2], key.shape[2]
        bias = query.new_zeros(queries, keys)
        if site.text is not None and (site.image.start or 0) < site.text.start:
            bias[site.image, site.image] = -torch.inf
        else:
            bias[site.image, site.text.stop if site.text is not None else 0 :] = -torch.inf
        bias.diagonal(keys - queries).zero_()
        return bias


@dataclass(frozen=True, kw_only=True)
class Skip(AttentionEdit):
    """Whole layers are left out."""

    layers: tuple[int, ...]

    def touches(self, site: AttentionSite) -> bool:
        """Leave attention alone."""
        return False

    def skips(self, site: AttentionSite) -> bool:
        """Say whether the layer is left out."""
        return named(self.layers, site)
