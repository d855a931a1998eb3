"""Near-duplicates: what is a little other is found, what is another thing or another colour is not."""

from __future__ import annotations

import numpy as np

from limn.synth.near import Prints, first_of_each, signs
from made_sets import picture


def test_noise_is_near_and_another_colour_is_not() -> None:
    first = picture("circle", 1)
    rng = np.random.default_rng(0)
    noisy = np.clip(first.astype(int) + rng.normal(0, 4, first.shape), 0, 255).astype(np.uint8)
    other_hue = first[..., [1, 2, 0]]
    others = Prints([noisy, other_hue, picture("triangle", 2)])
    assert Prints([first]).near(others)[0].tolist() == [0]
    assert np.array_equal(signs([first]), signs([first])), "a hash is the same each time"


def test_of_twins_the_first_is_kept() -> None:
    a, b = picture("circle", 1), picture("triangle", 2)
    assert first_of_each(Prints([a, b, a, b, a])) == [None, None, 0, 1, 0]
    assert first_of_each(Prints([])) == []


def test_different_pictures_are_rarely_near() -> None:
    pictures = [picture(shape, seed) for shape in ("circle", "square", "triangle") for seed in range(60)]
    distinct = len({one.tobytes() for one in pictures})
    kept = sum(twin is None for twin in first_of_each(Prints(pictures)))
    assert kept >= 0.9 * distinct
