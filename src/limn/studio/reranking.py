"""Of several pictures of a prompt keep those that a dual encoder finds nearest to the words (Yu et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from limn.io.pictures import read_picture
from limn.kernel.request import Request
from limn.models import dual_encoders
from limn.models.dual_encoders import Encoder

JUDGE = "judge_a"
"""What ranks unless another is named."""


def best(pictures: Mapping[int, Path], request: Request, keep: int, *, by: str | Encoder = JUDGE) -> dict[int, Path]:
    """Return the pictures whose similarity to their prompt is greatest.

    Args:
        pictures: Files by index.
        request: What was drawn.
        keep: How many of each prompt's pictures stay.
        by: A dual encoder, or what :func:`limn.models.dual_encoders.load` takes.

    Returns:
        Files by index, in the order of the indices.

    Raises:
        InputError: There is no such judge.
    """
    encoder, groups = dual_encoders.load(by) if isinstance(by, str) else by, dict[int, list[int]]()
    for index in sorted(pictures):
        groups.setdefault(index // request.n, []).append(index)
    kept: list[int] = []
    for place, indices in groups.items():
        images = encoder.images([np.asarray(read_picture(pictures[index])) for index in indices])
        scores = images @ encoder.texts([request.prompts[place].text])[0]
        kept += [indices[row] for row in np.argsort(-scores, kind="stable")[:keep].tolist()]
    return {index: pictures[index] for index in sorted(kept)}
