"""Small tools to say the same thing in different words."""

from __future__ import annotations

import numpy as np


class Dice:
    """Cheap random choices: one block of uniform numbers serves a whole caption.

    Args:
        rng: Source of randomness; None always picks the first choice, which gives the plain form.
        rolls: How many choices are random; those after it are the first.
    """

    def __init__(self, rng: np.random.Generator | None, rolls: int = 48) -> None:
        self._left: list[float] = rng.random(rolls).tolist() if rng is not None else []

    def pick(self, n: int) -> int:
        """A number from 0 to n - 1."""
        return int(self._left.pop() * n) if self._left else 0

    def choose(self, words: tuple[str, ...]) -> str:
        """One of the words."""
        return words[self.pick(len(words))]


def article(words: str) -> str:
    """Put "a" or "an" before a noun.

    >>> article("orange ring")
    'an orange ring'
    """
    return ("an " if words[0] in "aeiou" else "a ") + words


def listing(words: list[str]) -> str:
    """Join words as a sentence does.

    >>> listing(["a ring", "a star", "a heart"])
    'a ring, a star and a heart'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
