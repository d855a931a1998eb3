"""Copies of training pictures: how near each picture is to the training set, against held-out ones of equal law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.audit.features import features, similarity
from limn.audit.nearest import nearest
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.replication import Dose, adaptive_ratio, dose_response, excess_replication, threshold
from limn.audit.statistics.shares import share
from limn.audit.table import Account, Table
from limn.audit.training_sets import TrainingSet, fitted

FEW = 20  # prompts below which pictures are resampled, not prompts


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """How near pictures are to a training set.

    Args:
        similar: Similarity to the nearest training picture (n,); 1 is the same.
        ratio: Adaptive ratio (n,); at most 1 counts as extracted.
        places: The nearest training picture of each (n,).
    """

    similar: NDArray[np.float64]
    ratio: NDArray[np.float64]
    places: NDArray[np.int64]

    @property
    def extracted(self) -> Estimate:
        """Share whose adaptive ratio is at most 1."""
        return share(int((self.ratio <= 1).sum()), len(self.ratio))


@dataclass(frozen=True, kw_only=True, eq=False)
class Memory:
    """A training set that pictures are compared with.

    Args:
        known: Training and held-out pictures.
        how: Features, ``pixels`` or a dual encoder.
        rate: False positives that the threshold allows among held-out pictures.
        neighbours: How many nearest training pictures set the scale of the adaptive ratio.
    """

    known: TrainingSet
    how: str = "pixels"
    rate: float = 0.01
    neighbours: int = 50

    @cached_property
    def held(self) -> Likeness:
        """How near held-out pictures are, which were not learned from."""
        return self.look(list(self.known.held))

    @cached_property
    def cut(self) -> Estimate:
        """The similarity that held-out pictures exceed at the rate."""
        return threshold(self.held.similar, rate=self.rate)

    @cached_property
    def _base(self) -> NDArray[np.floating[Any]]:
        return features(list(self.known.pictures), self.how)

    def look(self, pictures: Sequence[NDArray[np.uint8]]) -> Likeness:
        """Compare pictures of any size with every training picture."""
        most = min(self.neighbours, len(self.known.pictures))
        vectors = features(fitted(pictures, self.known.pictures), self.how)
        if not len(vectors):
            vectors = np.zeros((0, self._base.shape[1]), np.float32)
        near = nearest(vectors, self._base, most=most)
        return Likeness(
            similar=similarity(near.distances[:, 0], self.how),
            ratio=adaptive_ratio(near.distances, neighbours=most),
            places=near.places[:, 0],
        )

    def excess(self, score: NDArray[np.float64], held: NDArray[np.float64], prompts: NDArray[np.str_]) -> Estimate:
        """Return the share of copies beyond chance resemblance; prompts are resampled where there are enough."""
        several = FEW <= len(np.unique(prompts)) < len(prompts)
        excess = excess_replication(score, held, prompts=prompts if several else None, rate=self.rate)
        if excess.value is None or excess.low is None or excess.high is None:
            return excess
        return replace(excess, low=min(excess.low, excess.value), high=max(excess.high, excess.value))


@dataclass(frozen=True, kw_only=True, eq=False)
class Copies:
    """Some of a model's pictures, compared with a training set.

    Args:
        account: How many were asked for and drawn.
        pictures: Those that were drawn.
        near: How near they are.
        copied: Share of copies beyond chance resemblance, by similarity.
        by_ratio: The same by the adaptive ratio.
    """

    account: Account
    pictures: list[NDArray[np.uint8]]
    near: Likeness
    copied: Estimate
    by_ratio: Estimate

    @property
    def extracted(self) -> Estimate:
        """Share whose adaptive ratio is at most 1."""
        return self.near.extracted

    @classmethod
    def of(cls, table: Table, memory: Memory) -> Copies:
        """Compare the pictures of some rows."""
        table = table.once()
        pictures = table.pictures()
        near, prompts = memory.look(pictures), np.array([row.prompt for row in table.rows if row.drawn])
        return cls(
            account=table.account(),
            pictures=pictures,
            near=near,
            copied=memory.excess(near.similar, memory.held.similar, prompts),
            by_ratio=memory.excess(-near.ratio, -memory.held.ratio, prompts),
        )

    def dose(self, memory: Memory) -> Dose | None:
        """Return which share of the training pictures was copied at least once, by how often each was repeated.

        None where all were there equally often, or there is no threshold.
        """
        copies = memory.known.copies
        kinds = np.unique(copies)
        if len(kinds) < 2 or memory.cut.value is None:
            return None
        taken = np.zeros(len(copies), bool)
        taken[self.near.places[self.near.similar > memory.cut.value]] = True
        groups = [taken[copies == kind] for kind in kinds]
        return dose_response(kinds, [group.sum() for group in groups], [len(group) for group in groups])
