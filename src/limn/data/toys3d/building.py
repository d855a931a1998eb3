"""What solids a toy is put together from, in the cube from -1 to 1; it faces along z."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from limn.data.toys3d.solids import Solid, ball, box, column
from limn.data.toys3d.toy import Toy

Paint = Literal["main", "accent", "dark"]
"""Which colour a solid has: most of the toy's, that of its accent, or a dark one for doors and eyes."""


@dataclass(frozen=True)
class Piece:
    """A solid and its paint."""

    solid: Solid
    paint: Paint = "main"


def build(toy: Toy) -> list[Piece]:
    """Return the pieces of a toy."""
    return list(_BUILDERS[toy.kind](toy))


def _between(share: float, low: float, high: float) -> float:
    return low + share * (high - low)


def _legs(count: int, reach: float, low: float, high: float, radius: float) -> Iterator[Piece]:
    """Stand something on legs, at its corners if there are four."""
    for k in range(count):
        angle = math.pi / 2 + 2 * math.pi * (k + 0.5 * (count == 4)) / count
        far = reach * (1 if count < 4 else math.sqrt(2)) * (count > 1)
        place = (far * math.cos(angle), far * math.sin(angle))
        yield Piece(column(place, low, high, radius, sides=4))


def _count(words: str) -> int:
    return {"one": 1, "three": 3, "four": 4}[words.split()[0]]


def _chair(toy: Toy) -> Iterator[Piece]:
    a, b, c = toy.sizes
    half, seat, top = _between(a, 0.38, 0.55), _between(b, -0.2, 0.05), _between(c, 0.6, 0.9)
    yield Piece(box((-half, seat - 0.14, -half), (half, seat, half)), "accent")
    yield Piece(box((-half, seat, -half), (half, top, -half + 0.14)))
    yield from _legs(_count(toy.parts["legs"]), half - 0.09, -0.9, seat - 0.14, 0.085)
    if toy.parts["arms"]:
        for x in (-half, half - 0.12):
            yield Piece(box((x, seat + 0.24, -half), (x + 0.12, seat + 0.36, half - 0.1)))
            yield Piece(box((x, seat, half - 0.22), (x + 0.12, seat + 0.36, half - 0.1)))


def _table(toy: Toy) -> Iterator[Piece]:
    a, b, c = toy.sizes
    half, top, leg = _between(a, 0.6, 0.8), _between(b, 0.0, 0.35), _between(c, 0.08, 0.11)
    sides = 4 if toy.parts["top"] == "square top" else 16
    yield Piece(column((0, 0), top, top + 0.16, half, sides=sides), "accent")
    count = _count(toy.parts["legs"])
    if count == 1:
        yield Piece(column((0, 0), -0.8, -0.68, half * 0.6, sides=16))
    reach = half - 0.12 if sides == 4 else half * 0.7
    reach = half * 0.62 if count == 4 and sides != 4 else reach
    yield from _legs(count, reach, -0.8, top, leg * (1.3 if count == 1 else 1))


def _lamp(toy: Toy) -> Iterator[Piece]:
    a, b, c = toy.sizes
    wide, low, foot = _between(a, 0.4, 0.55), _between(b, 0.0, 0.2), _between(c, 0.35, 0.5)
    yield Piece(column((0, 0), -0.8, low + 0.2, 0.08, sides=8))
    if toy.parts["shade"] == "pointed shade":
        yield Piece(column((0, 0), low, low + 0.7, wide, 0.08), "accent")
    else:
        yield Piece(ball((0, low + 0.32, 0), (wide * 0.9, 0.38, wide * 0.9)), "accent")
    if toy.parts["foot"] == "one foot":
        yield Piece(column((0, 0), -0.9, -0.74, foot))
    else:
        for k in range(3):
            angle = math.pi / 2 + 2 * math.pi * k / 3
            x, z = foot * math.cos(angle), foot * math.sin(angle)
            yield Piece(ball((x, -0.78, z), (0.15, 0.13, 0.15)))
            yield Piece(ball((x / 2, -0.7, z / 2), (0.09 + abs(x) / 2, 0.09, 0.09 + abs(z) / 2)))


def _house(toy: Toy) -> Iterator[Piece]:
    a, b, c = toy.sizes
    wide, deep, high = _between(a, 0.45, 0.65), _between(b, 0.4, 0.6), _between(c, -0.1, 0.15)
    yield Piece(box((-wide, -0.8, -deep), (wide, high, deep)))
    yield Piece(box((-0.14, -0.8, deep - 0.1), (0.14, -0.3, deep + 0.03)), "dark")
    if toy.parts["roof"] == "flat roof":
        yield Piece(box((-wide - 0.08, high, -deep - 0.08), (wide + 0.08, high + 0.18, deep + 0.08)), "accent")
    else:
        reach = max(wide, deep) + 0.08
        yield Piece(column((0, 0), high, high + 0.6, reach, 0.02, sides=4), "accent")
    if toy.parts["chimney"]:
        x = wide * 0.45
        yield Piece(box((x, high, -0.1), (x + 0.2, high + 0.68, 0.1)))


def _animal(toy: Toy) -> Iterator[Piece]:
    a, b, c = toy.sizes
    length, thick, head = _between(a, 0.42, 0.58), _between(b, 0.26, 0.36), _between(c, 0.22, 0.28)
    for x in (-0.6 * thick, 0.6 * thick):
        for z in (-0.7 * length, 0.6 * length):
            yield Piece(column((x, z), -0.85, -0.15, 0.1, sides=8))
    yield Piece(ball((0, -0.12, 0), (thick, thick, length)))
    raised = 0.55 if toy.parts["neck"] else 0.2
    if toy.parts["neck"]:
        yield Piece(column((0, length * 0.75), -0.15, raised, 0.12, sides=8))
    z = length * 0.75 + 0.1
    yield Piece(ball((0, raised, z), (head * 0.9, head * 0.9, head)), "accent")
    yield Piece(ball((0, raised - 0.06, z + head), (0.1, 0.09, 0.12)), "dark")
    tall = 0.3 if toy.parts["ears"] == "long ears" else 0.1
    for x in (-head * 0.6, head * 0.6):
        yield Piece(ball((x, raised + head * 0.7 + tall / 2, z - 0.02), (0.08, 0.06 + tall / 2, 0.06)), "accent")
    if toy.parts["tail"]:
        yield Piece(ball((0, 0.1, -length - 0.12), (0.08, 0.24, 0.14)))


def _vase(toy: Toy) -> Iterator[Piece]:
    a, b, c = toy.sizes
    wide, high, middle = _between(a, 0.42, 0.55), _between(b, 0.4, 0.5), _between(c, -0.4, -0.25)
    yield Piece(ball((0, middle, 0), (wide, high, wide)))
    yield Piece(column((0, 0), -0.85, middle - 0.15, wide * 0.55))
    neck = 0.16 if toy.parts["neck"] == "narrow neck" else 0.36
    yield Piece(column((0, 0), middle + high * 0.55, 0.75, neck, neck * 1.15), "accent")
    if toy.parts["handles"]:
        for side in (-1, 1):
            yield Piece(box(*_span(side * (wide - 0.08), side * (wide + 0.24), middle + 0.1, middle + 0.22)))
            yield Piece(box(*_span(side * (wide + 0.12), side * (wide + 0.24), middle + 0.1, 0.45)))
            yield Piece(box(*_span(side * 0.1, side * (wide + 0.24), 0.36, 0.48)))


def _span(x: float, other: float, low: float, high: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (min(x, other), low, -0.08), (max(x, other), high, 0.08)


_BUILDERS: Final[Mapping[str, Callable[[Toy], Iterator[Piece]]]] = {
    "chair": _chair, "table": _table, "lamp": _lamp, "house": _house, "animal": _animal, "vase": _vase,
}  # fmt: skip
