"""The exact reader of shapes scenes (:mod:`limn.data.shapes`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from limn.audit.readers.reader import Confusion, Pictures, Reading, Value
from limn.data.template_matching import MIN_MARGIN, UNREADABLE
from limn.kernel.errors import InputError
from limn.kernel.registry import Part

__all__ = ["Shapes"]

OBJECT = ("shape", "colour", "size", "texture", "place")


@dataclass(frozen=True, kw_only=True)
class Shapes(Part):
    """Reads background and number of objects, what a lone object is, and whether things looked for are there.

    Args:
        find: Things to look for, such as ``"purple cross"`` or ``"triangle"``; each is a field of "yes" and "no".
    """

    version: ClassVar[str] = "1"
    threshold: ClassVar[float] = MIN_MARGIN

    find: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        from limn.data.shapes import COLOURS, SHAPES

        for thing in self.find:
            *colour, shape = thing.split()
            if shape not in SHAPES or len(colour) > 1 or any(each not in COLOURS for each in colour):
                raise InputError(f"find: {thing!r} cannot be looked for; write a shape, or a colour and a shape")

    @property
    def name(self) -> str:
        """What it is, and what it looks for."""
        return f"shapes:{'|'.join(self.find)}" if self.find else "shapes"

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Background, count, the five of a lone object, and what is looked for."""
        from limn.data.shapes import BACKGROUNDS, COLOURS, PLACES, SHAPES, SIZES, TEXTURES

        one = (tuple(SHAPES), tuple(COLOURS), tuple(SIZES), tuple(TEXTURES), tuple(PLACES))
        fields = {"background": tuple(BACKGROUNDS), "count": ("1", "2", "3", "4")}
        return {**fields, **dict(zip(OBJECT, one, strict=True)), **dict.fromkeys(self.find, ("yes", "no"))}

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """Nothing: what can be drawn is read without error, and what cannot be read is not guessed."""
        return {}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures; those of another size than 32 px cannot be read."""
        from limn.data.shapes.reader import read_all
        from limn.data.shapes.tiles import PICTURE

        found = [Reading(values=dict.fromkeys(self.fields)) for _ in pictures]
        fits = [k for k, picture in enumerate(pictures) if picture.shape == (PICTURE, PICTURE, 3)]
        if not fits:
            return found
        for k, said in zip(fits, read_all(np.stack([pictures[k] for k in fits])), strict=True):
            values: dict[str, Value] = dict.fromkeys(self.fields)
            values["background"] = None if said.background == UNREADABLE else said.background
            if said.countable:
                values["count"] = str(len(said.objects))
            if said.countable and len(said.objects) == 1:
                words = {field: getattr(said.objects[0], field) for field in OBJECT}
                values |= {field: None if word == UNREADABLE else word for field, word in words.items()}
            for thing in self.find if said.countable else ():
                values[thing] = _there([(one.colour, one.shape) for one in said.objects], thing.split())
            found[k] = Reading(values=values, confidence={"count": min(max(said.margins["count"], 0.0), 1.0)})
        return found


def _there(objects: list[tuple[str, str]], wanted: list[str]) -> str | None:
    """Say whether one of the objects is what is wanted; None where one of them may be.

    >>> _there([("red", "star")], ["star"]), _there([("red", "unreadable")], ["star"])
    ('yes', None)
    """
    perhaps = False
    for colour, shape in objects:
        said = (colour, shape)[-len(wanted) :]
        if list(said) == wanted:
            return "yes"
        perhaps |= all(one in (word, UNREADABLE) for one, word in zip(said, wanted, strict=True))
    return None if perhaps else "no"
