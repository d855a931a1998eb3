"""Toys: their kinds, colours, patterns and parts, and which combinations are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final, Literal

import numpy as np

COLOURS: Final[Mapping[str, tuple[float, float, float]]] = {
    "red": (0.86, 0.16, 0.14), "orange": (0.98, 0.55, 0.10), "yellow": (0.98, 0.86, 0.20),
    "green": (0.20, 0.66, 0.25), "turquoise": (0.15, 0.72, 0.72), "blue": (0.16, 0.32, 0.85),
    "purple": (0.55, 0.22, 0.72), "grey": (0.50, 0.50, 0.50),
}  # fmt: skip
"""Colours before light, each a share of red, green and blue."""

PATTERNS: Final = ("plain", "striped")

PARTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "chair": {"legs": ("three legs", "four legs"), "arms": ("", "arms")},
    "table": {"legs": ("one leg", "three legs", "four legs"), "top": ("round top", "square top")},
    "lamp": {"foot": ("one foot", "three feet"), "shade": ("pointed shade", "round shade")},
    "house": {"roof": ("pointed roof", "flat roof"), "chimney": ("", "chimney")},
    "animal": {"ears": ("short ears", "long ears"), "tail": ("", "tail"), "neck": ("", "long neck")},
    "vase": {"neck": ("narrow neck", "wide neck"), "handles": ("", "handles")},
}
"""What each kind may have: parts by slot, empty for none."""

ACCENTS: Final[Mapping[str, str]] = {
    "chair": "seat", "table": "top", "lamp": "shade", "house": "roof", "animal": "head", "vase": "neck",
}  # fmt: skip
"""The part of each kind that may be of another colour."""

SIZES: Final = 3
"""Numbers from 0 to 1 that decide a toy's proportions."""


@dataclass(frozen=True, kw_only=True)
class Toy:
    """A toy.

    Args:
        kind: One of :data:`PARTS`.
        colour: Of most of it.
        accent: Colour of the part that :data:`ACCENTS` names; the same as ``colour`` for none.
        pattern: One of :data:`PATTERNS`.
        parts: One choice for each slot of the kind.
        sizes: Proportions, :data:`SIZES` numbers from 0 to 1.
    """

    kind: str
    colour: str
    accent: str
    pattern: str = "plain"
    parts: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[float, ...] = (0.5,) * SIZES


def held_out(kind: str, colour: str) -> bool:
    """Say whether toys of this kind and colour are never learned from: about a quarter of all pairs.

    >>> sum(held_out(kind, colour) for kind in PARTS for colour in COLOURS)
    12
    """
    order = sorted(COLOURS, key=lambda name: hashlib.sha256(f"{kind} {name}".encode()).hexdigest())
    return colour in order[:2]


def pairs(split: Literal["learned", "held_out"]) -> list[tuple[str, str]]:
    """Return the kinds and colours of a split."""
    return [pair for pair in product(PARTS, COLOURS) if held_out(*pair) == (split == "held_out")]


def draw(rng: np.random.Generator, split: Literal["learned", "held_out"] = "learned") -> Toy:
    """Draw a toy of a split; half of them have an accent, a third are striped."""
    choices = pairs(split)
    kind, colour = choices[int(rng.integers(len(choices)))]
    accents = [name for name in COLOURS if name != colour]
    accent = accents[int(rng.integers(len(accents)))] if rng.random() < 0.5 else colour
    parts = {slot: names[int(rng.integers(len(names)))] for slot, names in PARTS[kind].items()}
    pattern = PATTERNS[int(rng.random() < 1 / 3)]
    sizes = tuple(float(value) for value in rng.random(SIZES).round(3))
    return Toy(kind=kind, colour=colour, accent=accent, pattern=pattern, parts=parts, sizes=sizes)
