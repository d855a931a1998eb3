"""Several things of a class in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Several(Recipe):
    """Asks in turn for one and for several things of the class.

    Args:
        words: How, with ``{}`` for the name.
    """

    words: tuple[str, ...] = ("{}", "two {}", "several {}", "many different {}")

    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        """Return the name with each word of number; see :meth:`Recipe.ways`."""
        return [words.replace("{}", thing.name) for words in self.words]
