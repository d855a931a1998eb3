"""Seeds that follow from what they are for."""

from __future__ import annotations

import hashlib


def derived(seed: int, purpose: str) -> int:
    """Return another seed for a purpose, from 0 to 2**63 - 1."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def content_seed(words: str, again: int, seed: int = 0) -> int:
    """Return a seed that follows from words alone, so that order, sharding and subsets of prompts change nothing.

    Args:
        words: The prompt.
        again: How often these words were asked before, from 0.
        seed: Of the whole.

    Returns:
        From 0 to 2**62 - 1.

    >>> content_seed("a red heart", 0) == content_seed("a red heart", 0) != content_seed("a red heart", 1)
    True
    """
    return derived(seed, f"{again}/{words}") >> 1
