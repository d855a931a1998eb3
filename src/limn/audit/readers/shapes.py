"""The exact reader of shapes scenes (:mod:`limn.data.shapes`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limn.audit.readers.reader import Pictures, Reader, Reading, Value
from limn.data.template_matching import MIN_MARGIN, UNREADABLE
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.data.shapes.reader import ReadObject

OBJECT = ("shape", "colour", "size", "texture", "place")


@dataclass(frozen=True, kw_only=True)
class Shapes(Reader):
    """Reads background and number of objects, what a lone object is, and whether things looked for are there.

    Args:
        find: Things to look for, such as ``"purple cross"`` or ``"triangle"``; each is a field of "yes" and "no".
    """

    version = "1"
    threshold = MIN_MARGIN

    find: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        from limn.data.shapes import COLOURS, SHAPES

        for thing in self.find:
            *colour, shape = thing.split()
            if shape not in SHAPES or len(colour) > 1 or not set(colour) <= set(COLOURS):
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

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures; those of another size than 32 px cannot be read."""
        from limn.data.shapes.reader import read_all
        from limn.data.shapes.tiles import PICTURE

        readings = [self.nothing()] * len(pictures)
        fits = [k for k, picture in enumerate(pictures) if picture.shape == (PICTURE, PICTURE, 3)]
        if not fits:
            return readings
        for k, scene in zip(fits, read_all(np.stack([pictures[k] for k in fits])), strict=True):
            values: dict[str, Value] = dict.fromkeys(self.fields)
            values["background"] = None if scene.background == UNREADABLE else scene.background
            if scene.countable:
                values["count"] = str(len(scene.objects))
                values |= {thing: _there(scene.objects, thing.split()) for thing in self.find}
            if scene.countable and len(scene.objects) == 1:
                words = {field: getattr(scene.objects[0], field) for field in OBJECT}
                values |= {field: None if word == UNREADABLE else word for field, word in words.items()}
            readings[k] = Reading(values=values, confidence={"count": min(max(scene.margins["count"], 0.0), 1.0)})
        return readings


def _there(objects: Sequence[ReadObject], wanted: list[str]) -> str | None:
    """Say whether one of the objects is what is wanted; None where one of them may be."""
    perhaps = False
    for thing in objects:
        words = [thing.colour, thing.shape][-len(wanted) :]
        if words == wanted:
            return "yes"
        perhaps |= all(word in (other, UNREADABLE) for word, other in zip(words, wanted, strict=True))
    return None if perhaps else "no"
