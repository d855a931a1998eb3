"""SDEdit: a picture with noise, denoised towards other words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from limn.edit.pictures import draws_tokens, packed, unpacked
from limn.edit.repainting import Repainting
from limn.kernel.edit import Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage


@dataclass(frozen=True, kw_only=True)
class SDEdit(Repainting):
    """Add noise to a picture and denoise it towards the words (Meng et al. 2022); image to image.

    With ``invert`` the noise is the picture's own (DDIM inversion; Song et al. 2021, section 4.3), so that the words
    it was found with lead back to the picture, and others change it.
    """

    paper: ClassVar[str] = "meng2022sdedit"
    aliases: ClassVar[tuple[str, ...]] = ("img2img", "variation")

    strength: float = 0.75

    @classmethod
    def of(cls, picture: Pixels, **options: Any) -> SDEdit:
        """Make an edit of an array (height, width, 3)."""
        return cls(picture=packed(picture), **options)

    def check(self, stage: Stage, size: tuple[int, int]) -> None:
        """Refuse a model of tokens; see :meth:`Edit.check`."""
        if draws_tokens(stage):
            raise InputError("sdedit: needs a model that denoises, this one draws tokens; use mask_free")
        super().check(stage, size)

    def window(self, size: tuple[int, int]) -> tuple[Pixels, None]:
        """Return the picture, all of which is drawn anew; see :meth:`Repainting.window`."""
        return unpacked(self.picture, "picture"), None
