"""Worlds with planted truth: what draws, what reads, and habits that are known exactly, for selfchecks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Ask
from limn.audit.readers.noisy import Noisy
from limn.audit.readers.people import People
from limn.audit.readers.reader import Confusion, Reading
from limn.audit.rows import MAJORITY
from limn.audit.sources import FromOracle, FromPeople
from limn.audit.statistics.amplification import unmarked_share
from limn.audit.statistics.associations import cosines
from limn.audit.table import Table
from limn.data.people import FIELDS, Population, Rule

Pictures = NDArray[np.uint8]
LAWS = {"often": (2.0, 3.0), "seldom": (1.0, 5.0)}
"""Beta laws of the categories of :class:`Habit`."""

LEANING: Mapping[str, float] = dict(zip(FIELDS["profession"], (0.3, 0.7, 0.5, 0.3, 0.5, 0.7), strict=True))
"""Shares of women by profession, as in the worlds "visible" and "hidden"."""

SLOPES: Mapping[str, float] = {"copies": 1.0, "doubles": 2.0, "halves": 0.5}
"""Oracles by name, and what they do to log odds."""

PERSISTENCE = 0.6
"""What counter-prompts leave of a stereotype, planted."""


def _gender(profession: str, share: float, others: float = 0.0) -> Rule:
    shares = {"woman": share * (1 - others), "man": (1 - share) * (1 - others), "neutral": others}
    return Rule(field="gender", shares=shares, when={"profession": profession})


def leaning(slope: float, others: float = 0.0) -> Population:
    """Return people whose log odds of being a woman are those of LEANING times a slope, and some who are neither.

    >>> round(leaning(2).share({"gender": "woman"}, {"profession": "cook"}), 3)
    0.845
    """
    shares = {name: p**slope / (p**slope + (1 - p) ** slope) for name, p in LEANING.items()}
    return Population(rules=tuple(_gender(name, share, others) for name, share in shares.items()))


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
    some = given > 0
    tilted = np.where(some, given**scale * np.where(some, every, 1) ** (1 - scale), 0)
    shares = dict(zip(FIELDS["gender"], (tilted / tilted.sum()).tolist(), strict=True))
    return Population(rules=(Rule(field="gender", shares=shares, when={"profession": concept}),))


def judged(seed: int, calibration: int = 200, lost: float = 0.0) -> Noisy:
    """Return a reader of gender that finds 85 % of women and passes 95 % of the others.

    Args:
        seed: Of its errors.
        calibration: Labelled pictures of each value.
        lost: Share of drawn pictures that it cannot read, though it could read the labelled ones.
    """
    rates = np.zeros((3, 4))
    for row, value in enumerate(FIELDS["gender"]):
        rates[row, row] = {"woman": 0.85, "man": 0.95, "neutral": 0.95}[value]
        rates[row, FIELDS["gender"].index("man" if value == "woman" else "woman")] = 1 - rates[row, row]
    table = tuple(map(tuple, rates.tolist()))
    return Noisy(reader=People(), field="gender", rates=table, calibration=calibration, lost=lost, seed=seed)


def partly_labelled(table: Table, rng: np.random.Generator, share: Mapping[str, float]) -> Table:
    """Return pictures read by :class:`People` and by another reader as if people had labelled some of them.

    What People reads stands for the labels; the other reader's confusion matrix is counted on these.

    Args:
        table: Pictures that both have read, People first.
        rng: Chooses which are labelled.
        share: Of the pictures of each gender that are labelled; of the others 0.
    """
    people, machine = table.readers
    rows, pairs = [], []
    for row in table.rows:
        truth, read = (row.readings[facts.name].values["gender"] for facts in (people, machine))
        kept = {machine.name: row.readings[machine.name]}
        if rng.random() < share.get(str(truth), 0.0):
            kept[MAJORITY] = Reading(values={"gender": truth})
            pairs.append((str(truth), read))
        rows.append(replace(row, readings=kept))
    truths, said = zip(*pairs, strict=True)
    counted = Confusion.of("gender", machine.fields["gender"], truths, said, "pictures that people labelled")
    readers = (replace(machine, confusion={"gender": counted}), replace(people, name=MAJORITY, confusion={}))
    return replace(table, rows=tuple(rows), readers=readers)


@dataclass(frozen=True, kw_only=True, eq=False)
class Habit:
    """Prompts of two categories, each with a share of its own, drawn from the beta law of its category.

    Args:
        asks: The prompts; each names a doctor.
        chances: Probability that a picture of a prompt shows the lantern, the stand-in for what is flagged.
        name: Of what draws.
    """

    asks: tuple[Ask, ...]
    chances: dict[str, float]
    name: str = "left"
    flag = "motif=lantern"

    @classmethod
    def draw(cls, rng: np.random.Generator, *, prompts: int) -> Habit:
        """Draw prompts; each category as likely as the other."""
        kinds = [list(LAWS)[k] for k in rng.integers(len(LAWS), size=prompts)]
        asks = [
            Ask(prompt=f"prompt {k}", group=kind, slots={"profession": "doctor"}) for k, kind in enumerate(kinds)
        ]
        chances = {ask.prompt: float(rng.beta(*LAWS[ask.group])) for ask in asks}
        return cls(asks=tuple(asks), chances=chances)

    def again(self, rng: np.random.Generator) -> Habit:
        """Return the same prompts with other shares of the same laws: effects of either sign, 0 on average."""
        return replace(
            self, chances={ask.prompt: float(rng.beta(*LAWS[ask.group])) for ask in self.asks}, name="again"
        )

    def source(self, *, left: float = 1.0, lost: float = 0.0) -> FromOracle:
        """Return what draws; equal seeds draw alike.

        Args:
            left: What guidance leaves of each prompt's share.
            lost: Share of pictures in which guidance loses the doctor.
        """
        icons = _icons()

        def picture(ask: Ask, seed: int) -> Pictures:
            flagged, gone = np.random.default_rng(seed).random(2) < (left * self.chances[ask.prompt], lost)
            return icons[bool(flagged), bool(gone)]

        return FromOracle(picture=picture, name=f"{self.name} {left:g}")

    @staticmethod
    def share(kind: str = "") -> float:
        """Return the inappropriate probability of a category, or of all, over all prompts that could be."""
        means = {name: a / (a + b) for name, (a, b) in LAWS.items()}
        return means[kind] if kind else sum(means.values()) / len(means)

    @staticmethod
    def maximum(k: int, n: int) -> float:
        """Return the expected largest share among k prompts of n pictures each."""
        from scipy.stats import betabinom

        below = np.mean([betabinom.cdf(np.arange(n + 1), n, a, b) for a, b in LAWS.values()], 0) ** k
        return float(sum(x / n * (high - low) for x, (low, high) in enumerate(pairwise([0.0, *below]))))


@cache
def _icons() -> dict[tuple[bool, bool], Pictures]:
    """Return the four pictures: flagged or not, doctor or not."""
    from limn.data.people import Person, render

    return {
        (flagged, gone): render(
            Person(
                profession="teacher" if gone else "doctor", gender="woman", tone="none",
                motif="lantern" if flagged else "leaf", style="flat",
            )
        )
        for flagged in (False, True) for gone in (False, True)
    }  # fmt: skip


@cache
def pool(count: int = 12) -> Pictures:
    """Return pictures of the world ``copied`` that nobody learns from, uint8 (340 count, 32, 32, 3).

    Args:
        count: How many sets of 340.
    """
    from limn.data.people.worlds import copied

    return np.concatenate([copied(seed)[0] for seed in range(1, count + 1)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Copycat:
    """Draws a training picture with a known probability, a little changed, and otherwise something of the same law.

    Args:
        training: What it copies, uint8 (n, height, width, 3).
        fresh: What it draws otherwise.
        rate: Probability of a copy; by prompt, where prompts differ.
        noise: Standard deviation of the change, in grey levels of 255.
        weights: How likely each training picture is to be the one that is copied (n,); even if None.
    """

    training: Pictures
    fresh: Pictures
    rate: float | Mapping[str, float]
    noise: float = 4.0
    weights: NDArray[np.float64] | None = None

    def source(self, name: str = "") -> FromOracle:
        """Return what draws."""
        weights = None if self.weights is None else self.weights / self.weights.sum()

        def picture(ask: Ask, seed: int) -> Pictures:
            rng = np.random.default_rng(seed)
            if rng.random() >= (self.rate if isinstance(self.rate, float) else self.rate[ask.prompt]):
                return np.asarray(self.fresh[rng.integers(len(self.fresh))])
            one = self.training[rng.choice(len(self.training), p=weights)].astype(np.float64)
            return np.asarray(np.clip(one + rng.normal(0, self.noise, one.shape), 0, 255), np.uint8)

        rate = f"{self.rate:g}" if isinstance(self.rate, float) else "unevenly"
        return FromOracle(picture=picture, name=name or f"copies {rate}")


def associated_cosines(
    rng: np.random.Generator, d: float, subjects: int = 60
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return cosines of a text with pictures of two groups, from embeddings made to have an association of d.

    Every subject appears in both groups, and half of the variance is between subjects.

    Args:
        rng: Source of the noise.
        d: Effect among all such pictures, below 2.
        subjects: How many.

    Returns:
        Cosines, whether of the second group, and subjects, each (2 subjects,).
    """
    deviation = 0.05
    gap = d * deviation / np.sqrt(1 - d * d / 4)  # d divides by the deviation of both groups together
    second, who = np.tile([False, True], subjects), np.repeat(np.arange(subjects), 2)
    noise = rng.normal(0, deviation / np.sqrt(2), (2, 2 * subjects))
    wanted = 0.2 + np.where(second, -gap / 2, gap / 2) + noise[0, who] + noise[1]
    text, pictures = np.array([1.0, 0.0]), np.stack([wanted, np.sqrt(1 - wanted**2)], 1)
    return cosines(text, pictures)[0], second, who
