"""One picture with its captions and what is known to be true of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.io.pictures import composite


@dataclass(frozen=True, kw_only=True)
class Example:
    """One picture, several ways to say it, and its ground truth.

    Args:
        key: Unique within its data set.
        picture: ``(height, width, 3)`` RGB or ``(height, width, 4)`` straight-alpha RGBA, uint8.
        captions: Paraphrases; any of them describes the picture.
        attributes: Ground truth by name, such as ``{"style": "noto", "tone": "dark"}``.
        split: ``train`` or the name of a held-out part.
    """

    key: str
    picture: NDArray[np.uint8]
    captions: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    split: str = "train"

    def on(self, background: tuple[int, int, int] = (255, 255, 255)) -> NDArray[np.uint8]:
        """Lay the picture over one colour: ``(height, width, 3)`` RGB, uint8."""
        return composite(self.picture, background)


def drawn(
    prefix: str,
    split: str,
    n: int,
    rng: np.random.Generator,
    batch: Callable[[np.random.Generator, int], tuple[NDArray[np.uint8], Sequence[Any]]],
    captions: Callable[[Any, np.random.Generator], tuple[str, ...]],
) -> Iterator[Example]:
    """Yield n examples of a procedural world.

    Args:
        prefix: Of the keys.
        split: Of the examples.
        n: How many.
        rng: Source of all randomness.
        batch: Draws pictures (rows, height, width, 3) and the dataclasses that say what they show.
        captions: Describes one of those.
    """
    for start in range(0, n, 256):
        for k, (picture, content) in enumerate(zip(*batch(rng, min(256, n - start)), strict=True), start):
            key, words = f"{prefix}-{k:06d}", captions(content, rng)
            yield Example(key=key, picture=picture, captions=words, attributes=asdict(content), split=split)
