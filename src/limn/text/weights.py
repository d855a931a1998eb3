"""Words with weights: ``(word:1.3)``, ``(word)`` and ``[word]`` in a prompt's text."""

from __future__ import annotations

import re

from limn.kernel.errors import InputError

STRONGER = 1.1
"""Weight of round brackets without a number; square ones have its inverse."""

MAX_DEPTH = 16
"""Brackets inside brackets."""

MAX_WEIGHT = 10.0
"""Of one pair of brackets."""

Weighted = list[tuple[int, int, float]]
"""Start, end and weight of pieces of a text, in order and apart from each other; the rest weighs 1."""

_NUMBER = re.compile(r":[ ]{0,4}([+-]?(?:[0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9}))[ ]{0,4}$")
_LONGEST = 32  # characters that a colon and its number may take
_PARTNER = {")": "(", "]": "["}


def read_weights(text: str) -> tuple[str, Weighted]:
    r"""Take the weights out of a text.

    ``(words:1.3)`` weighs 1.3, ``(words)`` 1.1 and ``[words]`` 1/1.1; brackets inside brackets multiply. A backslash
    makes the bracket or backslash after it a plain character; a bracket without its partner is plain by itself.

    Args:
        text: What a person wrote.

    Returns:
        The text without that syntax, and the weights other than 1 in it.

    Raises:
        InputError: Brackets are nested deeper than 16, or a number is not from 0 to 10.

    >>> read_weights("a (red:1.5) heart, (very [small])")
    ('a red heart, very small', [(2, 5, 1.5), (13, 18, 1.1)])
    >>> read_weights(r"a heart \(red\) :)")
    ('a heart (red) :)', [])
    """
    opened, closed, numbers = _syntax(text)
    plain: list[str] = []
    pieces: Weighted = []
    inside, place = [1.0], 0
    while place < len(text):
        if place in opened:
            inside.append(inside[-1] * opened[place])
            if len(inside) > MAX_DEPTH + 1:
                raise InputError(
                    f"prompt: brackets are nested deeper than {MAX_DEPTH}; write \\( for a plain bracket"
                )
        elif place in closed:
            inside.pop()
        elif place in numbers:
            place = numbers[place] - 1
        else:
            place += _escapes(text, place)
            _put(pieces, len(plain), inside[-1])
            plain.append(text[place])
        place += 1
    return "".join(plain), [piece for piece in pieces if piece[2] != 1]


def _syntax(text: str) -> tuple[dict[int, float], set[int], dict[int, int]]:
    """Return the weight of each opening bracket, the closing ones, and where each number starts and ends."""
    opened: dict[int, float] = {}
    numbers: dict[int, int] = {}
    closed: set[int] = set()
    waiting: list[int] = []
    place = 0
    while place < len(text):
        character = text[place]
        if _escapes(text, place):
            place += 1
        elif character in "([":
            waiting.append(place)
        elif waiting and text[waiting[-1]] == _PARTNER.get(character):
            start = waiting.pop()
            opened[start], number = _weight(text, start, place)
            closed.add(place)
            numbers.update({number: place} if number < place else {})
        place += 1
    return opened, closed, numbers


def _weight(text: str, start: int, end: int) -> tuple[float, int]:
    """Return the weight of a pair of brackets, and where its number starts (``end`` if it has none)."""
    if text[start] == "[":
        return 1 / STRONGER, end
    first = max(start + 1, end - _LONGEST)
    number = _NUMBER.search(text[first:end])
    if number is None:
        return STRONGER, end
    weight = float(number[1])
    if not 0 <= weight <= MAX_WEIGHT:
        shown = text[max(start, end - 40) : end + 1]
        raise InputError(
            f"prompt: {shown!r} gives a weight that is not from 0 to {MAX_WEIGHT:.0f}; write \\( for a plain bracket"
        )
    return weight, first + number.start()


def _escapes(text: str, place: int) -> bool:
    """Say whether the character at a place makes the next one plain."""
    return text[place] == "\\" and text[place + 1 : place + 2] in ("(", ")", "[", "]", "\\")


def _put(pieces: Weighted, place: int, weight: float) -> None:
    """Say what the next character of the plain text weighs."""
    if pieces and pieces[-1][2] == weight:
        pieces[-1] = (pieces[-1][0], place + 1, weight)
    else:
        pieces.append((place, place + 1, weight))
