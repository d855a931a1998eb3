"""Two or three pictograms on one canvas, captioned with their sizes and places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limn.data.captions import STYLED, name_of, sized
from limn.data.catalogue import from_columns
from limn.data.example import Example
from limn.data.picture_set import PictureSet
from limn.kernel.errors import DataError

GROUPS: Final = (
    "smileys-emotion",
    "people-body",
    "animals-nature",
    "food-drink",
    "travel-places",
    "activities",
    "objects",
)

# Two things share the side of the canvas; each size is a share of it, and a big and a big do not fit.
SIZES: Final = {"small": (0.29, 0.36), "medium": (0.40, 0.49), "big": (0.52, 0.63)}
_EDGE: Final = 0.12  # kept free beside a row or column, so that it stays one
_PAIRS: Final = (
    ("small", "big"),
    ("big", "small"),
    ("medium", "medium"),
    ("small", "small"),
    ("small", "medium"),
    ("medium", "small"),
)
TWO: Final = {
    "row": ("{0} to the left of {1}", "{1} to the right of {0}", "{0} on the left and {1} on the right",
            "{0} left of {1}"),
    "column": ("{0} above {1}", "{1} below {0}", "{0} at the top and {1} at the bottom", "{1} under {0}"),
}  # fmt: skip
THREE: Final = {
    "row": (
        "{0} on the left, {1} in the middle and {2} on the right", "from left to right: {0}, {1} and {2}",
        "{1} between {0} on the left and {2} on the right", "{0}, {1} and {2} in a row",
    ),
    "column": (
        "{0} at the top, {1} in the middle and {2} at the bottom", "from top to bottom: {0}, {1} and {2}",
        "{1} between {0} above and {2} below", "{0} above {1} above {2}",
    ),
    "triangle": (
        "{0} and {1} above {2}", "{2} below {0} and {1}", "{0} next to {1}, and {2} under them",
        "{0} at the top left, {1} at the top right and {2} at the bottom",
    ),
}  # fmt: skip

Cell = tuple[float, float, float, float]
"""A thing's part of the canvas, as shares of its side: left, top, width, height."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One pictogram of a scene and the box of its visible pixels, in pixels from the top left."""

    key: str
    label: str
    size: str
    left: int
    top: int
    width: int
    height: int


class Scenes:
    """Draws scenes from pictograms; a scene depends on the random generator alone.

    Args:
        pictures: What to draw from: the training part, so that held-out pairs stay unseen.
        size: Side of the canvas, in pixels.

    Raises:
        DataError: No style has three different things that scenes are made of.
    """

    def __init__(self, pictures: PictureSet, *, size: int = 64) -> None:
        self.pictures = pictures
        self.size = size
        styles: dict[str, dict[str, list[int]]] = {}
        columns = (pictures.columns[name] for name in ("style", "label", "group", "subgroup"))
        for place, (style, label, group, subgroup) in enumerate(zip(*columns, strict=True)):
            if group in GROUPS and subgroup != "family":
                styles.setdefault(style, {}).setdefault(label, []).append(place)
        self._styles = {style: list(labels.values()) for style, labels in styles.items() if len(labels) > 2}
        if not self._styles:
            raise DataError("scenes need three different pictograms of one style; load a larger set")

    def stream(self, rng: np.random.Generator) -> Iterator[Example]:
        """Draw scenes without end."""
        while True:
            yield self.draw(rng)

    def draw(self, rng: np.random.Generator, *, count: int | None = None) -> Example:
        """Draw one scene.

        Args:
            rng: Source of every choice.
            count: 2 or 3 things; None makes one scene in four one of three.

        Returns:
            An RGBA picture with four captions. Its attributes: ``style``, ``layout`` (``row``, ``column``
            or ``triangle``), ``things`` (dictionaries like :class:`Thing`, in reading order) and
            ``relations``.
        """
        style = str(rng.choice(sorted(self._styles)))
        count = count or (3 if rng.random() < 0.25 else 2)
        places = self._choose(style, count, rng)
        layout = str(rng.choice(sorted(TWO if count == 2 else THREE)))
        sizes = _PAIRS[int(rng.integers(len(_PAIRS)))] if count == 2 else ("small",) * 3
        canvas = np.zeros((self.size, self.size, 4), np.uint8)
        parts = cells(layout, sizes)
        things = [
            self._put(canvas, place, size, cell, rng) for cell, place, size in zip(parts, places, sizes, strict=True)
        ]
        shown = [size if size != "medium" and len(set(sizes)) > 1 else "" for size in sizes]
        names = [self._name(place, size) for place, size in zip(places, shown, strict=True)]
        attributes = {
            "style": style,
            "layout": layout,
            "things": [asdict(thing) for thing in things],
            "relations": relations(things),
        }
        key = "scene/" + "+".join(f"{thing.key}@{thing.left},{thing.top}" for thing in things)
        return Example(key=key, picture=canvas, captions=_captions(names, layout, style, rng), attributes=attributes)

    def _choose(self, style: str, count: int, rng: np.random.Generator) -> list[int]:
        """Choose different concepts, and of each any variant, so that people do not crowd out the rest."""
        concepts = self._styles[style]
        chosen = rng.choice(len(concepts), count, replace=False)
        return [concepts[concept][int(rng.integers(len(concepts[concept])))] for concept in chosen]

    def _put(self, canvas: NDArray[np.uint8], place: int, size: str, cell: Cell, rng: np.random.Generator) -> Thing:
        """Scale a pictogram's visible part, and put it somewhere in its cell."""
        picture = self.pictures.pictures[place]
        rows, columns = (np.flatnonzero((picture[..., 3] > 31).any(axis)) for axis in (1, 0))
        part = Image.fromarray(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        room = [int(share * self.size) for share in cell[2:]]
        side = rng.uniform(*SIZES[size]) * self.size
        scale = min(side / max(part.size), room[0] / part.width, room[1] / part.height)
        w, h = (max(1, int(length * scale)) for length in part.size)
        x = round(cell[0] * self.size) + int(rng.integers(room[0] - w + 1))
        y = round(cell[1] * self.size) + int(rng.integers(room[1] - h + 1))
        canvas[y : y + h, x : x + w] = np.asarray(part.resize((w, h), Image.Resampling.LANCZOS))
        row = self.pictures.columns
        return Thing(key=row["key"][place], label=row["label"][place], size=size, left=x, top=y, width=w, height=h)

    def _name(self, place: int, size: str) -> str:
        name = name_of(from_columns(self.pictures.columns, place))
        return sized(name, size) if size else name


def cells(layout: str, sizes: Sequence[str]) -> Iterator[Cell]:
    """Yield the part of the canvas that each thing of a scene has, in reading order.

    Args:
        layout: ``row``, ``column`` or ``triangle``.
        sizes: Of each thing, ``small``, ``medium`` or ``big``; the canvas is parted by them.
    """
    if layout == "triangle":
        yield from ((0, 0, 0.5, 0.5), (0.5, 0, 0.5, 0.5), (0.1, 0.5, 0.8, 0.5))
        return
    weights = [sum(SIZES[size]) for size in sizes]
    start = 0.0
    for weight in weights:
        share = weight / sum(weights)
        yield (start, _EDGE, share, 1 - 2 * _EDGE) if layout == "row" else (_EDGE, start, 1 - 2 * _EDGE, share)
        start += share


def relations(things: Sequence[Thing]) -> list[tuple[int, str, int]]:
    """Read from the boxes which thing is left of or above which.

    Args:
        things: Things with their boxes.

    Returns:
        Triples such as ``(0, "left of", 1)``, for every pair whose boxes do not overlap along that axis.
    """
    triples = []
    for a, first in enumerate(things):
        for b, second in enumerate(things):
            if first.left + first.width <= second.left:
                triples.append((a, "left of", b))
            if first.top + first.height <= second.top:
                triples.append((a, "above", b))
    return triples


def _captions(names: Sequence[str], layout: str, style: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Two captions that name the style and two that do not."""
    phrases = [phrase.format(*names) for phrase in (TWO if len(names) == 2 else THREE)[layout]]
    ways = STYLED[style]
    places = rng.permutation(len(phrases))
    return tuple(
        ways[int(rng.integers(len(ways)))].format(phrases[place]) if turn < 2 else phrases[place]
        for turn, place in enumerate(places.tolist())
    )
