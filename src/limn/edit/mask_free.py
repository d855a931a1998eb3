"""Editing without a mask: a picture drifts to other words, a few tokens at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from limn.edit.pictures import draws_tokens, packed, state_of, unpacked
from limn.kernel.codec import HIDDEN
from limn.kernel.edit import Edit, Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage


@dataclass(frozen=True, kw_only=True)
class MaskFree(Edit):
    """Start from all of a picture's tokens (Chang et al. 2023, section 3.4); for the sampler ``resample``.

    The steps of the request are how far the picture goes; fewer keep more of it.

    Args:
        picture: The picture as hexadecimal text of a PNG, of the model's size; see :meth:`of`.
    """

    paper: ClassVar[str] = "chang2023muse"

    picture: str = ""

    @classmethod
    def of(cls, picture: Pixels) -> MaskFree:
        """Make an edit of an array (height, width, 3)."""
        return cls(picture=packed(picture))

    def start(self, stage: Stage, size: tuple[int, int]) -> Tensor:
        """Return the picture's tokens, all hidden where a stage refines; see :meth:`Edit.start`."""
        if not draws_tokens(stage):
            raise InputError("mask_free: needs a masked token model such as muse; use sdedit")
        ids = state_of(stage, unpacked(self.picture, "picture"), size)
        return torch.full_like(ids, HIDDEN) if stage.refines else ids
