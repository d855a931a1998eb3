"""By editing: the picture with noise, denoised towards the words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from limn.synth.intervention import Drawn, Picture

if TYPE_CHECKING:
    from limn.kernel.edit import Edit


@dataclass(frozen=True, kw_only=True)
class SDEdit(Drawn):
    """Changes the picture itself (SDEdit): little strength keeps its form, much follows the words.

    Args:
        strength: Share of the walk that is done anew, above 0 and up to 1.
    """

    aliases: ClassVar[tuple[str, ...]] = ("edit",)

    strength: float = 0.75

    def edit(self, picture: Picture) -> Edit | None:
        """Return the edit; see :meth:`Drawn.edit`."""
        from limn.edit import sdedit

        return sdedit.SDEdit.of(picture, strength=self.strength)
