"""Of several pictures of a prompt keep those that a dual encoder finds nearest to the words (Yu et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from limn.io.pictures import read_picture
from limn.kernel.request import Request
from limn.models.judges import judge

__all__ = ["JUDGE", "best"]

JUDGE = "judge_a"
"""What ranks unless another is named."""


def best(pictures: Mapping[int, Path], request: Request, keep: int, *, by: str = JUDGE) -> dict[int, Path]:
    """Return the pictures whose similarity to their prompt is greatest.

    Args:
        pictures: Files by index.
        request: What was drawn.
        keep: How many of each prompt's pictures stay.
        by: Name or folder of a dual encoder.

    Returns:
        Files by index, in the order of the indices.

    Raises:
        InputError: There is no such judge.
    """
    network, groups = judge(by), dict[int, list[int]]()
    for index in sorted(pictures):
        groups.setdefault(index // request.n, []).append(index)
    kept: list[int] = []
    for place, indices in groups.items():
        images = np.stack([_read(pictures[index]) for index in indices])
        scores = network.similarity(images, [request.prompts[place].text])[:, 0]
        order = scores.argsort(descending=True, stable=True)[:keep]
        kept += [indices[row] for row in order.tolist()]
    return {index: pictures[index] for index in sorted(kept)}


def _read(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(read_picture(path))
