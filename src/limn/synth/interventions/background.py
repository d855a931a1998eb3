"""By inpainting: the ground behind the thing is drawn anew, the thing stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError
from limn.synth.intervention import Drawn, Picture

if TYPE_CHECKING:
    from limn.kernel.edit import Edit


@dataclass(frozen=True, kw_only=True)
class Background(Drawn):
    """Draws anew what is connected to the border and of its colour; pixels of the thing stay to the bit.

    Args:
        near: How far a channel may be from the border's median colour, from 0 to 255.
    """

    near: int = 24

    def edit(self, picture: Picture) -> Edit | None:
        """Return the edit; see :meth:`Drawn.edit`."""
        from limn.edit.inpaint import Inpaint

        inside = ground(picture, self.near)
        if not 0.02 < inside.mean() < 0.98:
            raise InputError(
                f"background: {inside.mean():.0%} of the picture is plain ground; nothing to part it from"
            )
        return Inpaint.of(picture, np.where(inside, 255, 0).astype(np.uint8))


def ground(picture: Picture, near: int) -> NDArray[np.bool_]:
    """Return which pixels are ground (height, width): of the border's median colour and connected to the border."""
    from scipy.ndimage import label

    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    alike = (np.abs(picture.astype(int) - np.median(edge, axis=0)) <= near).all(2)
    pieces, _ = label(alike)
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return np.isin(pieces, np.unique(border[border > 0]))
