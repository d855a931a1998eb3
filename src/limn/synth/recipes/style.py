"""Class names in many styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limn.kernel.errors import InputError
from limn.synth.classes import Classes, Thing
from limn.synth.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Style(Recipe):
    """Asks for the name in each style of the class file in turn: "a flat drawing of a crane".

    Args:
        styles: Words for styles, with ``{}`` for the name; those of the class file if empty.
    """

    styles: tuple[str, ...] = ()

    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        """Return the name in each style; see :meth:`Recipe.ways`."""
        styles = self.styles or classes.styles
        if not styles:
            raise InputError('styles: the class file has none; add styles = ["a flat drawing of {}"]')
        return [style.replace("{}", thing.name) if "{}" in style else f"{thing.name}, {style}" for style in styles]
