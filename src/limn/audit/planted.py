"""Oracles of person icons with planted stereotypes, and a reader with planted errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from limn.audit.readers.noisy import Noisy
from limn.audit.readers.people import People
from limn.audit.sources import FromPeople
from limn.audit.statistics.amplification import unmarked_share
from limn.data.people import FIELDS, Population, Rule

__all__ = [
    "LEANING", "PERSISTENCE", "SLOPES",
    "countered", "guided", "judged", "leaning", "oracles", "unmarked_oracle",
]  # fmt: skip

LEANING: Mapping[str, float] = dict(zip(FIELDS["profession"], (0.3, 0.7, 0.5, 0.3, 0.5, 0.7), strict=True))
"""Shares of women by profession, as in the worlds "visible" and "hidden"."""

SLOPES: Mapping[str, float] = {"copies": 1.0, "doubles": 2.0, "halves": 0.5}
"""Oracles by name, and what they do to log odds."""

PERSISTENCE = 0.6
"""What counter-prompts leave of a stereotype, planted."""


def _gender(profession: str, share: float) -> Rule:
    return Rule(field="gender", shares={"woman": share, "man": 1 - share}, when={"profession": profession})


def leaning(slope: float) -> Population:
    """Return people whose log odds of being a woman are those of LEANING times a slope.

    >>> round(leaning(2).share({"gender": "woman"}, {"profession": "cook"}), 3)
    0.845
    """
    return Population(
        rules=tuple(_gender(name, p**slope / (p**slope + (1 - p) ** slope)) for name, p in LEANING.items())
    )


def countered(profession: str) -> Population:
    """Return people among whom PERSISTENCE of the stereotype is left when a prompt denies it."""
    share = LEANING[profession]
    kept = PERSISTENCE * (share if share >= 0.5 else 1 - share)
    return Population(rules=(_gender(profession, kept if share >= 0.5 else 1 - kept),))


def oracles() -> list[FromPeople]:
    """Return an oracle for each of SLOPES; all of them heed counter-prompts as countered() says."""
    others = {f"{name}, countered": countered(name) for name in LEANING}
    return [FromPeople(name=name, population={"": leaning(slope), **others}) for name, slope in SLOPES.items()]


def unmarked_oracle() -> FromPeople:
    """Return an oracle that draws doctors as the captions of the world "marked" do that name no gender."""
    share = unmarked_share(0.25, 0.8, 0.1)
    return FromPeople(name="faithful", population=Population(rules=(_gender("doctor", share),)))


def guided(concept: str, scale: float, *, hidden: bool) -> Population:
    """Return whom a perfect model draws under classifier-free guidance: ``p(x|c)^w p(x)^(1-w)`` over all pictures x.

    Args:
        concept: A profession of LEANING.
        scale: Guidance scale w.
        hidden: Whether everybody wears one badge, so that the profession shows in nothing else.
    """
    joint = leaning(1).joint.sum(axis=(2, 3, 4))  # profession, gender
    place = FIELDS["profession"].index(concept)
    given, every = (joint[place] / joint[place].sum(), joint.sum(0)) if hidden else (joint[place], joint[place])
    seen = given > 0
    tilted = np.where(seen, given**scale * np.where(seen, every, 1) ** (1 - scale), 0)
    shares = dict(zip(FIELDS["gender"], (tilted / tilted.sum()).tolist(), strict=True))
    return Population(rules=(Rule(field="gender", shares=shares, when={"profession": concept}),))


def judged(seed: int, calibration: int = 200) -> Noisy:
    """Return a reader of gender that finds 85 % of women and passes 95 % of the others."""
    rates = np.zeros((3, 4))
    for row, value in enumerate(FIELDS["gender"]):
        rates[row, row] = {"woman": 0.85, "man": 0.95, "neutral": 0.95}[value]
        rates[row, FIELDS["gender"].index("man" if value == "woman" else "woman")] = 1 - rates[row, row]
    table = tuple(map(tuple, rates.tolist()))
    return Noisy(reader=People(), field="gender", rates=table, calibration=calibration, seed=seed)
