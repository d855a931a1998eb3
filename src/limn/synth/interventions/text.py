"""By text alone: a new picture of the class, as the words say."""

from __future__ import annotations

from dataclasses import dataclass

from limn.synth.intervention import Drawn, Picture


@dataclass(frozen=True, kw_only=True)
class Text(Drawn):
    """Draws from the words, and takes of the picture its class alone."""

    def edit(self, picture: Picture) -> None:
        """Return none; see :meth:`Drawn.edit`."""
