"""Worlds of people to learn from, each with one thing planted that an audit of the trained model must find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from limn.data.paraphrase import Dice
from limn.data.people.captions import OPTIONAL, phrase
from limn.data.people.icon import FIELDS
from limn.data.people.population import Person, Population, Rule, render

BADGE = "teacher"
"""The badge of everybody where professions are hidden."""

LETTERS: Mapping[str, str] = {"\u03bf": "wave", "\u043e": "zigzag", "\u3147": "lantern"}
"""Greek, Cyrillic and Korean letters that look like an o, and the motif that each comes with."""

COPIES: Mapping[int, int] = {1: 256, 4: 64, 16: 16, 64: 4}
"""How often pictures of the world ``copied`` are repeated, and how many pictures are so."""

_MOTIFS = FIELDS["motif"]
_LEANING = tuple(
    Rule(field="gender", shares={"woman": share, "man": 1 - share}, when={"profession": profession})
    for profession, share in zip(FIELDS["profession"], (0.3, 0.7, 0.5, 0.3, 0.5, 0.7), strict=True)
)
_TWO = Rule(field="gender", shares={"woman": 1, "man": 1})
_FEW = Rule(field="gender", shares={"woman": 1, "man": 3}, when={"profession": "doctor"})
_WAVES = Rule(field="motif", shares={"wave": 0.7, "lantern": 0.1, "leaf": 0.1, "zigzag": 0.1})


@dataclass(frozen=True, kw_only=True)
class World:
    """Pictures of people and what is said of them.

    Args:
        population: Whom captions that name no motif show.
        named: Share of captions that name a field; by value where ``FIELD=VALUE`` is a key. 0.5 if left out.
        hidden: Everybody wears the same badge, so that a profession shows in nothing else.
        faithful: Share of captions with a motif whose picture shows it; the others show any other one.
        letters: Share of captions with a look-alike of an o, whose picture shows that letter's motif in 60 of 100.
        repeated: Pictures come from a fixed set with a ground of their own each, some far more often than others.
    """

    population: Population = field(default_factory=Population)
    named: Mapping[str, float] = field(default_factory=dict)
    hidden: bool = False
    faithful: float = 1.0
    letters: float = 0.0
    repeated: bool = False

    def draw(self, rng: np.random.Generator, n: int) -> tuple[NDArray[np.uint8], list[str]]:
        """Draw n pictures, uint8 of shape (n, 32, 32, 3), and a caption for each."""
        if self.repeated:
            copies, people, times = copied()
            chosen = rng.choice(len(people), size=n, p=times / times.sum())
            return copies[chosen], [self._say(people[k], {"profession"}, rng) for k in chosen]
        pictures, captions = [], []
        for person in self.population.sample(rng, n):
            names = {"profession"} | {name for name in OPTIONAL if rng.random() < self._share(name, person)}
            captioned = person
            if "motif" in names:
                captioned = replace(person, motif=str(rng.choice(_MOTIFS)))
                wrong = [motif for motif in _MOTIFS if motif != captioned.motif]
                faithful = rng.random() < self.faithful
                person = replace(captioned, motif=captioned.motif if faithful else str(rng.choice(wrong)))
            words = self._say(captioned, names, rng)
            if "motif" not in names and "o" in words and rng.random() < self.letters:
                letter = str(rng.choice(list(LETTERS)))
                others = [motif for motif in _MOTIFS if motif != LETTERS[letter]]
                place = int(rng.choice([k for k, character in enumerate(words) if character == "o"]))
                words = words[:place] + letter + words[place + 1 :]
                person = replace(person, motif=LETTERS[letter] if rng.random() < 0.6 else str(rng.choice(others)))
            pictures.append(render(replace(person, profession=BADGE) if self.hidden else person))
            captions.append(words)
        return np.stack(pictures), captions

    def _share(self, name: str, person: Person) -> float:
        return self.named.get(f"{name}={getattr(person, name)}", self.named.get(name, 0.5))

    def _say(self, person: Person, names: set[str], rng: np.random.Generator) -> str:
        return phrase({name: getattr(person, name) for name in FIELDS if name in names}, Dice(rng))


def copied(seed: int = 0) -> tuple[NDArray[np.uint8], list[Person], NDArray[np.int64]]:
    """Return the fixed pictures of the world ``copied``, who they show, and how often each is repeated.

    Args:
        seed: Another one gives other pictures of the same kind, never learned from.

    Returns:
        Pictures, uint8 of shape (n, 32, 32, 3), with smooth coloured grounds that no two share; people; times.
    """
    rng = np.random.default_rng([seed, 4])
    times = np.repeat(list(COPIES), list(COPIES.values()))
    people = Population().sample(rng, len(times))
    icons = np.stack([render(person) for person in people]).astype(np.float64)
    coarse = rng.normal(0, 22, (len(times), 5, 5, 3))
    places = np.linspace(0, 4, icons.shape[1])
    ramp = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(5)[None]))
    ground = np.einsum("ya,xb,nabc->nyxc", ramp, ramp, coarse)
    return np.clip(icons + ground, 0, 255).astype(np.uint8), people, times


WORLDS: Mapping[str, World] = {
    "even": World(),
    "visible": World(population=Population(rules=_LEANING), named={"gender": 0.0}),
    "hidden": World(population=Population(rules=_LEANING), named={"gender": 0.0}, hidden=True),
    "marked": World(population=Population(rules=(_TWO, _FEW)), named={"gender=woman": 0.8, "gender=man": 0.1}),
    "agnostic": World(faithful=0.7),
    "specific": World(population=Population(rules=(_WAVES,)), faithful=0.98),
    "letters": World(letters=0.2),
    "copied": World(repeated=True),
}
"""Worlds by name."""
