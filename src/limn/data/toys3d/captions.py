"""What is said of toys: exact captions that name all, or some, of what a toy has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from limn.data.toys3d.toy import ACCENTS, PARTS, Toy, draw

_ARTICLES = ("a", "an")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A prompt and what it asks for.

    Args:
        text: The prompt.
        kind: Kind of toy.
        colour: Its colour; empty where nothing is said.
        accent: Colour of its accent, likewise.
        pattern: Its pattern, likewise.
        parts: Parts by slot, those that are named.
    """

    text: str
    kind: str
    colour: str = ""
    accent: str = ""
    pattern: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)


def asked(toy: Toy, rng: np.random.Generator, full: float = 0.7) -> Asked:
    """Say something of a toy: its kind and colour always, the rest each with a chance of ``full``."""
    parts = {slot: name for slot, name in toy.parts.items() if name and rng.random() < full}
    accent = toy.accent if toy.accent != toy.colour and rng.random() < full else ""
    pattern = toy.pattern if toy.pattern == "striped" and rng.random() < full else ""
    text = sentence(toy.kind, toy.colour, accent, pattern, parts)
    return Asked(text=text, kind=toy.kind, colour=toy.colour, accent=accent, pattern=pattern, parts=parts)


def sentence(kind: str, colour: str, accent: str, pattern: str, parts: Mapping[str, str]) -> str:
    """Put what is said into words.

    >>> sentence("table", "red", "blue", "striped", {"top": "round top", "legs": "four legs"})
    'a striped red table with four legs and a round blue top'
    """
    own = ACCENTS[kind]
    words = {slot: parts[slot] for slot in PARTS[kind] if slot in parts}
    if accent:
        before, _, noun = words.get(own, own).rpartition(" ")
        words[own] = " ".join(filter(None, (before, accent, noun)))
    phrases = [_article(phrase) for phrase in words.values()]
    joined = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}" if phrases else ""
    return _article(" ".join(filter(None, (pattern, colour, kind)))) + (f" with {joined}" if joined else "")


def caption(toy: Toy, rng: np.random.Generator) -> str:
    """Return a caption of a toy."""
    return asked(toy, rng).text


def prompts(count: int, split: Literal["learned", "held_out"], seed: int = 0) -> list[Asked]:
    """Return prompts that name all that toys of a split have."""
    rng = np.random.default_rng([seed, 77])
    return [asked(draw(rng, split), rng, full=1.0) for _ in range(count)]


def _article(phrase: str) -> str:
    """Put an article before a phrase, unless it counts or names several."""
    first, last = phrase.split()[0], phrase.split()[-1]
    if first in ("one", "three", "four") or last.endswith("s"):
        return phrase
    return f"{_ARTICLES[first[0] in 'aeiou']} {phrase}"
