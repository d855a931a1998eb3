"""Scenes of two pictograms on one canvas, captioned with their relation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limn.data.pictograms import PictureSet

__all__ = ["PairScene", "pair"]

_BESIDE = ("{a} to the left of {b}", "{b} to the right of {a}", "{a} on the left and {b} on the right")
_STACKED = ("{a} above {b}", "{b} below {a}", "{a} at the top and {b} at the bottom")
_BOTH = ("{a} and {b}", "{a} next to {b}")


@dataclass(frozen=True, kw_only=True)
class PairScene:
    """Two pictograms of one style.

    Args:
        picture: (height, width, 4) straight-alpha RGBA.
        captions: Ways to say it.
    """

    picture: NDArray[np.uint8]
    captions: tuple[str, ...]


def pair(source: PictureSet, rng: np.random.Generator) -> PairScene:
    """Put two pictures of one style side by side or one above the other.

    Args:
        source: Where the pictures come from.
        rng: Source of all randomness.

    Returns:
        The scene; its captions name both pictures, and most of them where each one is.
    """
    style = np.asarray(source.columns["style"])
    first = int(rng.integers(len(source)))
    second = int(rng.choice(np.flatnonzero(style == style[first])))
    size = source.pictures.shape[1]
    side, beside = int(size * rng.uniform(0.45, 0.5)), bool(rng.random() < 0.6)
    canvas = Image.new("RGBA", (size, size))
    for half, index in enumerate((first, second)):
        along, across = half * size // 2 + (size // 2 - side) // 2, (size - side) // 2
        thing = Image.fromarray(source.pictures[index]).convert("RGBa").resize((side, side), Image.Resampling.BOX)
        canvas.paste(thing.convert("RGBA"), (along, across) if beside else (across, along))
    a, b = (_noun(source, index, rng) for index in (first, second))
    forms = (*(_BESIDE if beside else _STACKED), *_BOTH)
    plain = tuple(form.format(a=a, b=b) for form in forms)
    tail = f", {source.columns['style'][first]} style"
    return PairScene(picture=np.asarray(canvas), captions=(*plain, *(each + tail for each in plain[:3])))


def _noun(source: PictureSet, index: int, rng: np.random.Generator) -> str:
    """Name a picture: its label with an article."""
    label = str(source.columns["label"][index])
    if label.startswith(("a ", "an ", "the ")):
        return label
    return f"{'an' if label[:1].lower() in 'aeiou' else 'a'} {label}"
