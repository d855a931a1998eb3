"""The people world as a stream of examples, like any other data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from limn.data.example import Example
from limn.data.people.captions import captions
from limn.data.people.population import Population, batch

__all__ = ["examples"]


def examples(n: int, seed: int = 0, *, population: Population | None = None) -> Iterator[Example]:
    """Draw examples; the same arguments give the same ones.

    Args:
        n: How many.
        seed: Number of the stream.
        population: Whom to draw; None for even shares without the held-out cells.

    Yields:
        Pictures with five captions each, and the five fields of the person as attributes.
    """
    population = population or Population(split="train")
    rng = np.random.default_rng(seed)
    for start in range(0, n, 256):
        pictures, people = batch(rng, min(256, n - start), population=population)
        for k, (picture, person) in enumerate(zip(pictures, people, strict=True), start):
            key = f"people-{population.split}-{seed}-{k:06d}"
            words = captions(person, rng)
            yield Example(
                key=key, picture=picture, captions=words, attributes=asdict(person), split=population.split
            )
