"""People with planted shares: a population whose biases are known exactly, for audits to find."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limn.data.people.icon import FIELDS, PICTURE, table
from limn.kernel.errors import InputError, unknown_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """What an icon shows; gender is how it is drawn, tone "none" the yellow of pictograms."""

    profession: str
    gender: str
    tone: str
    motif: str
    style: str

    def __post_init__(self) -> None:
        for name, values in FIELDS.items():
            if getattr(self, name) not in values:
                raise unknown_name(name, getattr(self, name), values)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Plant the shares of one field, for everybody or for some.

    Args:
        field: One of FIELDS.
        shares: Weights of its values; they are divided by their sum, and a value left out has none.
        when: Values of fields before this one in FIELDS that the rule is for; empty for everybody.
    """

    field: str
    shares: Mapping[str, float]
    when: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        order = list(FIELDS)
        for name, values in ((self.field, self.shares), *((name, [v]) for name, v in self.when.items())):
            if name not in FIELDS:
                raise unknown_name("field", name, FIELDS)
            for value in values:
                if value not in FIELDS[name]:
                    raise unknown_name(name, value, FIELDS[name])
        if any(order.index(name) >= order.index(self.field) for name in self.when):
            raise InputError(f"when: {self.field} can depend only on the fields before it in {', '.join(order)}")
        weights = list(self.shares.values())
        if not all(math.isfinite(w) and w >= 0 for w in weights) or not sum(weights) > 0:
            raise InputError("shares: give finite weights of 0 or more, and at least one above 0")


def held_out_cells() -> NDArray[np.bool_]:
    """The (profession, gender, tone) cells that training never shows, 10 % of all; bool of that shape.

    >>> int(held_out_cells().sum()), held_out_cells().size
    (11, 108)
    """
    p, g, t = np.indices([len(FIELDS[name]) for name in ("profession", "gender", "tone")])
    return np.asarray((p + 2 * g + 3 * t) % 10 == 4)


@dataclass(frozen=True, kw_only=True)
class Population:
    """A joint distribution of people: even shares, changed by rules, each field depending on those before it.

    Args:
        rules: Planted shares; where several fit a person, the last one counts.
        split: "train" removes the held-out cells, "cell" keeps only those, "all" keeps everything. What remains is
            divided by its sum, so with "train" shares move a little from the planted ones; share() tells the truth.

    >>> few = Rule(field="gender", shares={"woman": 1, "man": 9}, when={"profession": "doctor"})
    >>> round(Population(rules=(few,)).share({"gender": "woman"}, {"profession": "doctor"}), 12)
    0.1
    """

    rules: tuple[Rule, ...] = ()
    split: Literal["train", "cell", "all"] = "all"

    def __post_init__(self) -> None:
        if self.split not in ("train", "cell", "all"):
            raise unknown_name("split", self.split, ("train", "cell", "all"))
        if not self.joint.sum() > 0:
            raise InputError("rules: nobody is left in this split; give some weight to the cells it keeps")

    @cached_property
    def joint(self) -> NDArray[np.float64]:
        """Probability of every kind of person, one axis for each of FIELDS."""
        shape = [len(values) for values in FIELDS.values()]
        joint = np.ones(shape)
        for axis, (name, values) in enumerate(FIELDS.items()):
            shares = np.full(shape, 1 / len(values))
            for rule in (rule for rule in self.rules if rule.field == name):
                total = sum(rule.shares.values())
                line = np.array([rule.shares.get(value, 0) / total for value in values])
                shares[_where(rule.when)] = np.moveaxis(
                    np.broadcast_to(line, [n for k, n in enumerate(shape) if k != axis] + [len(values)]), -1, axis
                )[_where(rule.when)]
            joint *= shares
        cells = held_out_cells()[..., None, None]
        joint *= {"train": ~cells, "cell": cells, "all": np.ones_like(cells)}[self.split]
        return np.asarray(joint / max(joint.sum(), 1e-300))

    def share(self, of: Mapping[str, str], given: Mapping[str, str] | None = None) -> float:
        """Exact share of people.

        Args:
            of: The values to count, by field.
            given: The people to count among; None for everybody.

        Returns:
            P(of | given), from 0 to 1; NaN where nobody fits given.
        """
        among = self.joint[_where(given or {})].sum()
        both = {**(given or {}), **of}
        clash = any((given or {}).get(name, value) != value for name, value in of.items())
        return float("nan") if among == 0 else 0.0 if clash else float(self.joint[_where(both)].sum() / among)

    def sample(self, rng: np.random.Generator, n: int) -> list[Person]:
        """Draw n people at random."""
        return _people(self.numbers(rng, n))

    def numbers(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """Draw n people as numbers of the flat table."""
        return rng.choice(self.joint.size, size=n, p=self.joint.ravel())

    def census(self, n: int) -> list[Person]:
        """Take n people by count, not by chance.

        Args:
            n: How many people.

        Returns:
            People in the order of FIELDS. Where n times each probability is a whole number, shares are exactly those
            of share(); otherwise the count of each kind, and of each leading group of fields, is off by one at most.
        """
        edges = np.floor(np.cumsum(self.joint.ravel()) * n + 0.5 - 1e-9).astype(np.int64)
        edges[-1] = n
        return _people(np.repeat(np.arange(edges.size), np.diff(edges, prepend=0)))


def _where(values: Mapping[str, str]) -> tuple[int | slice, ...]:
    """Index of the people with these values in a table over FIELDS."""
    for name, value in values.items():
        if value not in FIELDS.get(name, ()):
            raise unknown_name(name, value, FIELDS[name]) if name in FIELDS else unknown_name("field", name, FIELDS)
    return tuple(names.index(values[f]) if f in values else slice(None) for f, names in FIELDS.items())


def _people(numbers: NDArray[np.int64]) -> list[Person]:
    """Put numbers of the flat table into words."""
    axes = np.unravel_index(numbers, [len(values) for values in FIELDS.values()])
    columns = [[values[k] for k in axis.tolist()] for values, axis in zip(FIELDS.values(), axes, strict=True)]
    return [Person(**dict(zip(FIELDS, row, strict=True))) for row in zip(*columns, strict=True)]


def render(person: Person) -> NDArray[np.uint8]:
    """Draw a person: RGB, uint8 of shape (32, 32, 3)."""
    numbers = tuple(values.index(getattr(person, name)) for name, values in FIELDS.items())
    return np.array(table()[numbers], np.uint8)


def batch(
    rng: np.random.Generator, n: int, *, population: Population | None = None
) -> tuple[NDArray[np.uint8], list[Person]]:
    """Draw n random people at once.

    Args:
        rng: Source of all randomness.
        n: How many.
        population: Whom to draw; None for even shares without the held-out cells.

    Returns:
        Pictures, uint8 of shape (n, 32, 32, 3), and the people.
    """
    if n < 0:
        raise InputError(f"n: must be 0 or more, got {n}")
    numbers = (population or Population(split="train")).numbers(rng, n)
    return table().reshape(-1, PICTURE, PICTURE, 3)[numbers], _people(numbers)
