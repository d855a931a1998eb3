"""Drawing for measurements: prompts in, pictures and the seconds they took out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import limn.models
from limn.kernel.generator import Generator, Picture

__all__ = ["draw", "drawn", "generator_of", "in_random_order"]

SPREAD = 16


def generator_of(model: str = "emoji") -> Generator:
    """Load a model that draws."""
    found = limn.models.load(model)
    assert isinstance(found, Generator)
    return found


def draw(
    generator: Generator, prompts: Sequence[str], *, seed: int = 1000, **options: Any
) -> tuple[NDArray[np.uint8], float]:
    """Draw a picture of each prompt.

    Args:
        generator: The model.
        prompts: What to draw; of sixteen in a row no two start from the same noise, which gives one layout.
        seed: The first seed.
        options: Of a request: ``steps``, ``sampler``, ``guidance``, ``style``.

    Returns:
        Pictures (prompts, height, width, 3) and the processor seconds of one picture.
    """
    start, found = time.process_time(), dict[int, NDArray[np.uint8]]()
    for first in range(min(SPREAD, len(prompts))):
        request = generator.request(list(prompts[first::SPREAD]), seed=seed + 100 * first, **options)
        for each in generator.draw(request):
            if isinstance(each, Picture):
                found[first + SPREAD * each.item.index] = each.pixels
    return np.stack([found[place] for place in sorted(found)]), (time.process_time() - start) / len(found)


def drawn(model: str, prompts: Sequence[str], **options: Any) -> NDArray[np.uint8]:
    """Draw a picture of each prompt with a model's defaults."""
    return draw(generator_of(model), prompts, **options)[0]


def in_random_order(places: NDArray[Any], count: int, seed: int = 0) -> NDArray[Any]:
    """Return so many of the places, in an order that the seed decides."""
    return np.random.default_rng(seed).permutation(places)[:count]
