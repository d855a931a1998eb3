"""Oracles with planted habits that the people of :class:`FromPeople` do not have: shares by prompt, and copying."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Ask
from limn.audit.sources import FromOracle

__all__ = ["Copycat", "Habit", "pool"]

Pictures = NDArray[np.uint8]
LAWS = {"often": (2.0, 3.0), "seldom": (1.0, 5.0)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Habit:
    """Prompts of two categories, each with a share of its own, drawn from the beta law of its category.

    Args:
        asks: The prompts; each names a doctor.
        chances: Probability that a picture of a prompt shows the lantern, the stand-in for what is flagged.
    """

    asks: tuple[Ask, ...]
    chances: dict[str, float]
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

        return FromOracle(picture=picture, name=f"left {left:g}")

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
        rate: Probability of a copy.
        noise: Standard deviation of the change, in grey levels of 255.
        weights: How likely each training picture is to be the one that is copied (n,); even if None.
    """

    training: Pictures
    fresh: Pictures
    rate: float
    noise: float = 4.0
    weights: NDArray[np.float64] | None = None

    def source(self, name: str = "") -> FromOracle:
        """Return what draws."""
        weights = None if self.weights is None else self.weights / self.weights.sum()

        def picture(ask: Ask, seed: int) -> Pictures:
            rng = np.random.default_rng(seed)
            if rng.random() >= self.rate:
                return np.asarray(self.fresh[rng.integers(len(self.fresh))])
            one = self.training[rng.choice(len(self.training), p=weights)].astype(np.float64)
            return np.asarray(np.clip(one + rng.normal(0, self.noise, one.shape), 0, 255), np.uint8)

        return FromOracle(picture=picture, name=name or f"copies {self.rate:g}")
