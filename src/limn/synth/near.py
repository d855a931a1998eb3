"""Near-duplicates: pictures of equal perceptual hash, up to some bits, whose colours agree too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limn.audit.features import features

BITS = 6
"""Of 63: most in which hashes of near-duplicates differ."""
COLOUR = 0.06
"""Most that cells of near-duplicates differ, root mean square, of the whole range."""
_SIDE, _KEPT, _CHUNK = 32, 8, 512

Floats = NDArray[np.float32]


def signs(pictures: Sequence[NDArray[np.uint8]]) -> Floats:
    """Return the perceptual hash of each picture as signs (pictures, 63).

    The 63 lowest frequencies, without the mean, of the cosine transform of 32 x 32 grey cells, each above or below
    their median (Zauner 2010, section 3.2.1).

    Args:
        pictures: Each uint8 (height, width, 3), of any sizes.
    """
    from PIL import Image

    greys = [
        np.asarray(Image.fromarray(picture).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
        for picture in pictures
    ]
    if not greys:
        return np.zeros((0, _KEPT**2 - 1), np.float32)
    k = np.arange(_KEPT)[:, None] * np.pi / _SIDE
    waves = np.cos(k * (np.arange(_SIDE) + 0.5)).astype(np.float32)
    low = np.einsum("kx,nxy,ly->nkl", waves, np.stack(greys), waves)
    rows = low.reshape(len(greys), -1)[:, 1:]
    return np.where(rows > np.median(rows, axis=1, keepdims=True), 1.0, -1.0).astype(np.float32)


class Prints:
    """What is compared of pictures: their hashes and their colours.

    Args:
        pictures: Each uint8 (height, width, 3), of any sizes.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]]) -> None:
        self.signs = signs(pictures)
        self.colours = np.asarray(features(pictures), np.float32)

    def near(self, others: Prints) -> list[NDArray[np.int64]]:
        """Return for each picture which of the others it nearly is, in their order."""
        if not len(others.signs):
            return [np.zeros(0, np.int64)] * len(self.signs)
        rows: list[NDArray[np.int64]] = []
        for start in range(0, len(self.signs), _CHUNK):
            alike = self.signs[start : start + _CHUNK] @ others.signs.T >= others.signs.shape[1] - 2 * BITS
            for row, candidates in zip(self.colours[start : start + _CHUNK], alike, strict=True):
                places = np.flatnonzero(candidates)
                gaps = ((others.colours[places] - row) ** 2).mean(1) ** 0.5
                rows.append(places[gaps <= COLOUR])
        return rows


def first_of_each(prints: Prints) -> list[int | None]:
    """Return for each picture which earlier one that was kept it nearly is; None for those to keep."""
    kept: set[int] = set()
    twins: list[int | None] = []
    for place, near in enumerate(prints.near(prints)):
        twin = next((int(other) for other in near if other < place and int(other) in kept), None)
        twins.append(twin)
        if twin is None:
            kept.add(place)
    return twins
