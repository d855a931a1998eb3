"""SEG, smoothed energy guidance: away from an answer whose attention is blurred over the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from limn.guidance._weakened import Weakened, named
from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class SEG(Weakened):
    """Guide as ``main + scale * (base - smoothed)`` (Hong 2024, arXiv:2408.00760, section 4).

    In some layers of the smoothed answer, what picture tokens see of the picture is blurred: the logits ``Q K^T``
    are filtered over the places of the queries by a Gaussian, which is the same as to filter the queries. Words are
    seen as before. As with ``pag`` the other answer has worse structure; here a width tells how much worse.

    Args:
        scale: From 0 to 100; 0 asks nothing more and changes nothing.
        blur: Width (standard deviation) of the Gaussian in picture tokens of the layer, above 0; without end when
            ``None``, so that all picture tokens see the picture alike.
        layers: Which layers, counted from 0 at the input; the middle one when empty.
        low: Guide only above this noise over signal.
        high: Guide only up to this noise over signal; without a limit when ``None``.

    >>> SEG(scale=2, blur=4).blur
    4
    """

    paper: ClassVar[str] = "hong2024seg"
    aliases: ClassVar[tuple[str, ...]] = ("smoothed_energy",)
    branch: ClassVar[str] = "smoothed"

    blur: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blur is not None and not 0 < self.blur < math.inf:
            raise InputError(f"blur: {self.blur} is not allowed; give a number above 0, or leave it out")

    def edit(self) -> AttentionEdit:
        """Return what blurs attention."""
        return Smoothed(layers=self.layers, blur=self.blur)


@dataclass(frozen=True, kw_only=True)
class Smoothed(AttentionEdit):
    """What picture tokens see of the picture is blurred.

    Args:
        layers: As in :class:`SEG`.
        blur: Likewise.
    """

    layers: tuple[int, ...]
    blur: float | None

    def touches(self, site: AttentionSite) -> bool:
        """Act where the picture attends to itself."""
        return site.kind != "cross" and named(self.layers, site)

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        """Return what blurred queries add to the logits between picture tokens."""
        if site.grid is None:
            raise InputError("guidance seg: the picture is not there as a whole, so that nothing can be blurred")
        picture = query[:, :, site.image]
        moved = self._blurred(picture, *site.grid) - picture
        bias = query.new_zeros(*query.shape[:3], key.shape[2])
        bias[:, :, site.image, site.image] = (
            moved @ key[:, :, site.image].transpose(-1, -2) * query.shape[-1] ** -0.5
        )
        return bias

    def _blurred(self, picture: Tensor, height: int, width: int) -> Tensor:
        if self.blur is None:
            return picture.mean(2, keepdim=True)
        rows, columns = (gaussian(side, self.blur).to(picture) for side in (height, width))
        cells = picture.reshape(*picture.shape[:2], height, width, -1)
        return torch.einsum("yu,xv,nhuvc->nhyxc", rows, columns, cells).flatten(2, 3)


def gaussian(side: int, blur: float) -> Tensor:
    """Return the matrix (side, side) that filters along one side of a picture, which is mirrored at its edges."""
    reach = min(math.ceil(6 * blur) // 2, side // 2)
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-0.5 * (offsets / blur) ** 2)
    places = (torch.arange(side)[:, None] + offsets).abs()
    mirrored = (side - 1 - (side - 1 - places).abs()).abs()
    return torch.zeros(side, side).scatter_add_(1, mirrored, (weights / weights.sum()).expand(side, -1))
