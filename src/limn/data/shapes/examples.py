"""The shapes world as a stream of examples, like any other data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from limn.data.example import Example
from limn.data.shapes.captions import captions
from limn.data.shapes.scene import Split, batch

__all__ = ["examples"]


def examples(
    n: int, seed: int = 0, *, objects: tuple[int, ...] = (1, 2, 3), split: Split = "train"
) -> Iterator[Example]:
    """Draw examples; the same arguments give the same ones.

    Args:
        n: How many.
        seed: Number of the stream.
        objects: Object counts to choose from.
        split: As for batch.

    Yields:
        Pictures with five captions each, and the scene as attributes "background" and "objects".
    """
    rng = np.random.default_rng(seed)
    for start in range(0, n, 256):
        pictures, scenes = batch(rng, min(256, n - start), objects=objects, split=split)
        for k, (picture, scene) in enumerate(zip(pictures, scenes, strict=True), start):
            key = f"shapes-{split}-{seed}-{k:06d}"
            yield Example(
                key=key, picture=picture, captions=captions(scene, rng), attributes=asdict(scene), split=split
            )
