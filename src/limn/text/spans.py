"""Where words stand in a text, and which of an encoder's tokens stand for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int]
"""First character and the one after the last."""


def occurrences(words: str, text: str) -> list[Span]:
    """Find words in a text; inside longer words only if they stand nowhere by themselves.

    Args:
        words: What is looked for, upper and lower case as in the text.
        text: Where.

    >>> occurrences("red", "bored of red")
    [(9, 12)]
    >>> occurrences("fire", "two firefighters")
    [(4, 8)]
    """
    if not words:
        return []
    exact = re.escape(words)
    for pattern in (rf"(?<!\w){exact}(?!\w)", exact):
        spans = [match.span() for match in re.finditer(pattern, text)]
        if spans:
            return spans
    return []


def tokens_of(span: Span, spans: Sequence[Span]) -> list[int]:
    """Return the places of the tokens that share a character with a span.

    Args:
        span: Characters of a text.
        spans: Characters of each token, as an encoder gives them.

    >>> tokens_of((2, 5), [(0, 0), (0, 1), (2, 5), (6, 11), (0, 0)])
    [2]
    """
    start, end = span
    return [place for place, (first, last) in enumerate(spans) if first < end and start < last and first < last]
