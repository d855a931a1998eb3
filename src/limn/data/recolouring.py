"""Things in another hue, captioned with the colours measured in them, so that colour and thing come apart.

Where every umbrella is purple, so is the one that was asked for in red.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from limn.data.captions import coloured_captions
from limn.data.catalogue import from_columns
from limn.data.colours import colours_of, from_oklab, oklab
from limn.data.picture_set import PictureSet

NEAREST = 0.15
"""Smallest turn, as a share of the circle."""


def turned(picture: NDArray[np.uint8], turn: float) -> NDArray[np.uint8]:
    """Turn the hue of a picture; lightness, greys and transparency stay.

    Args:
        picture: ``(height, width, 4)`` RGBA.
        turn: Share of the circle of hues, in OKLab's plane of colours.

    >>> red = np.array([[[220, 30, 40, 255]]], np.uint8)
    >>> [colours_of(turned(red, turn)) for turn in (0, 0.3, 0.65)]
    [('red',), ('green',), ('blue',)]
    """
    cosine, sine = math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)
    colour = oklab(picture[..., :3]) @ np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
    return np.concatenate([from_oklab(colour), picture[..., 3:]], axis=-1)


def recoloured(source: PictureSet, rng: np.random.Generator) -> PictureSet:
    """Return a copy in another hue of everything that has no skin and changes its colours' names by it.

    Args:
        source: Pictograms with the columns of :data:`limn.data.picture_set.COLUMNS`.
        rng: Source of the turns.

    Returns:
        The copies, with captions that say their colours and never that of the name.
    """
    turns = rng.uniform(NEAREST, 1 - NEAREST, len(source))
    pictures, places, captions, names = [], [], [], []
    for place, turn in enumerate(turns):
        concept = from_columns(source.columns, place)
        if concept.group == "people-body":
            continue
        picture = turned(source.pictures[place], turn)
        colours = colours_of(picture)
        if colours == colours_of(source.pictures[place]):
            continue
        pictures.append(picture)
        places.append(place)
        names.append(list(colours))
        captions.append(
            coloured_captions(
                f"{source.columns['key'][place]}/{turn:.3f}", concept, source.columns["style"][place], colours
            )
        )
    kept = source.take(places)
    shape = source.pictures.shape[1:]
    return PictureSet(
        np.array(pictures, np.uint8).reshape(-1, *shape), {**kept.columns, "captions": captions, "colours": names}
    )
