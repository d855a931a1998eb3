"""Prompts longer than CLIP reads at once, cut as the community does: chunks that are read one by one and joined.

A word ``BREAK`` starts a new chunk. A chunk that is full ends at its last comma, if that is among its last twenty
tokens, so that a phrase stays together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

Tokens = tuple[list[int], list[tuple[int, int]]]
"""Ids, and the (start, end) characters behind each."""

BACK: Final = 20
"""How many tokens before its end a chunk may end at a comma."""

_BREAK: Final = re.compile(r"\s*\bBREAK\b\s*")


def chunks(text: str, tokens: Callable[[str], Tokens], comma: int, size: int) -> list[Tokens]:
    """Cut a text into chunks.

    Args:
        text: What is asked.
        tokens: Gives the ids and characters of a text.
        comma: The id of a comma.
        size: Most tokens of a chunk.

    Returns:
        At least one chunk, perhaps an empty one.

    >>> letters = lambda text: ([ord(c) for c in text], [(k, k + 1) for k in range(len(text))])
    >>> [spans[0] for _, spans in chunks("abc BREAK defg", letters, ord(","), 3)]
    [(0, 1), (10, 11), (13, 14)]
    """
    found: list[Tokens] = []
    start, ends = 0, [(match.start(), match.end()) for match in _BREAK.finditer(text)]
    for stop, after in [*ends, (len(text), len(text))]:
        ids, spans = tokens(text[start:stop])
        whole = [(a + start, b + start) if b > a else (0, 0) for a, b in spans]
        last = stop == len(text)
        parts = _cut(ids, whole, comma, size)
        found += parts if parts or not last else []
        found += [([], [])] if not parts and (not last or not found) else []
        start = after
    return found


def _cut(ids: Sequence[int], spans: Sequence[tuple[int, int]], comma: int, size: int) -> list[Tokens]:
    """Cut the tokens between two breaks."""
    cuts, first = [], 0
    while len(ids) - first > size:
        commas = [place for place in range(first, first + size) if ids[place] == comma]
        near = commas and first + size - commas[-1] <= BACK and ids[first + size] != comma
        cuts.append((first, commas[-1] + 1 if near else first + size))
        first = cuts[-1][1]
    cuts += [(first, len(ids))] if len(ids) > first else []
    return [(list(ids[a:b]), list(spans[a:b])) for a, b in cuts]
