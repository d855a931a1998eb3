"""Pictures inside a page: WebP, as sharp as leaves the page small."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limn.audit.report.words import element

SHOWN = 64  # pixels on the page
BUDGET = 3_000_000  # bytes of all pictures of a page; base64 makes them a third longer
FORMS = ((128, None), (128, 80), (96, 70), (96, 50), (64, 50), (64, 30), (48, 20))
"""Most pixels of the longer side, and the quality of WebP, None for lossless: the sharpest first."""
SAMPLE = 24  # pictures that tell how large all will be


class Thumbnail(NamedTuple):
    """A picture that a page carries.

    Args:
        data: WebP.
        small: Whether the picture itself has so few pixels that each is shown as a square.
    """

    data: bytes
    small: bool

    def element(self, alt: str) -> str:
        """Return it as an element, with what it shows in words."""
        address = f"data:image/webp;base64,{base64.b64encode(self.data).decode()}"
        crisp = "small" if self.small else None
        given = {"src": address, "alt": alt, "loading": "lazy", "width": SHOWN, "height": SHOWN, "class_": crisp}
        return element("img", **given).removesuffix("</img>")


def thumbnails(pictures: Sequence[Callable[[], NDArray[np.uint8]]], budget: int = BUDGET) -> list[Thumbnail]:
    """Return pictures in the sharpest form in which all together fit the budget.

    Args:
        pictures: What returns each, uint8 (height, width, 3); called once for each form that is tried.
        budget: Bytes of all together; the last form is taken even where it does not fit.
    """
    step = max(1, len(pictures) // SAMPLE)
    for form in FORMS:
        few = [len(one.data) for one in _encoded(pictures[::step], *form)]
        if form is not FORMS[-1] and sum(few) / max(len(few), 1) * len(pictures) > budget:
            continue
        encoded = list(_encoded(pictures, *form))
        if form is FORMS[-1] or sum(len(one.data) for one in encoded) <= budget:
            break
    return encoded


def _encoded(
    pictures: Sequence[Callable[[], NDArray[np.uint8]]], side: int, quality: int | None
) -> Iterator[Thumbnail]:
    from PIL import Image

    for load in pictures:
        picture, buffer = Image.fromarray(load()), io.BytesIO()
        small = max(picture.size) <= SHOWN
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        if quality is None:
            picture.save(buffer, "WEBP", lossless=True, quality=50, method=3)
        else:
            picture.save(buffer, "WEBP", quality=quality, method=4)
        yield Thumbnail(buffer.getvalue(), small)
