"""Copies of training pictures: how near each picture is to the training set, against held-out ones of equal law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.audit.features import features, similarity
from limn.audit.nearest import nearest
from limn.audit.report.parts import Curves, Figure, Figures, Line, Sheet
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.replication import Dose, adaptive_ratio, dose_response, excess_replication, threshold
from limn.audit.statistics.shares import share
from limn.audit.table import Account, Table
from limn.audit.training_sets import TrainingSet, fitted

__all__ = ["Likeness", "Memory", "Seen", "copying", "nearness", "neighbours", "repeats"]

SHOWN = 12
KINDS = {"similarity": "copied", "adaptive ratio": "by_ratio", "adaptive ratio at most 1": "extracted"}
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
        found = nearest(vectors, self._base, most=most)
        return Likeness(
            similar=similarity(found.distances[:, 0], self.how),
            ratio=adaptive_ratio(found.distances, neighbours=most),
            places=found.places[:, 0],
        )

    def excess(self, score: NDArray[np.float64], held: NDArray[np.float64], prompts: NDArray[np.int64]) -> Estimate:
        """Return the share of copies beyond chance resemblance; prompts are resampled where there are enough."""
        several = FEW <= len(np.unique(prompts)) < len(prompts)
        found = excess_replication(score, held, prompts=prompts if several else None, rate=self.rate)
        if found.value is None or found.low is None or found.high is None:
            return found
        return replace(found, low=min(found.low, found.value), high=max(found.high, found.value))


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """Some of a model's pictures, compared with a training set.

    Args:
        account: How many were asked for and drawn.
        pictures: Those that were drawn.
        near: How near they are.
        copied: Share of copies beyond chance resemblance, by similarity.
        by_ratio: The same by the adaptive ratio.
        extracted: Share whose adaptive ratio is at most 1.
    """

    account: Account
    pictures: list[NDArray[np.uint8]]
    near: Likeness
    copied: Estimate
    by_ratio: Estimate
    extracted: Estimate

    @classmethod
    def of(cls, table: Table, memory: Memory) -> Seen:
        """Compare the pictures of some rows."""
        pictures = table.pictures()
        near, prompts = memory.look(pictures), np.array([row.ask for row in table.rows if row.drawn])
        return cls(
            account=table.account(),
            pictures=pictures,
            near=near,
            copied=memory.excess(near.similar, memory.held.similar, prompts),
            by_ratio=memory.excess(-near.ratio, -memory.held.ratio, prompts),
            extracted=share(int((near.ratio <= 1).sum()), len(near.ratio)),
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
        return dose_response(kinds, [each.sum() for each in groups], [len(each) for each in groups])


def copying(found: Mapping[tuple[str, str], Seen], memory: Memory) -> Figures:
    """Return the shares of copies, by model and group, with each score."""
    models, groups = (list(dict.fromkeys(what[k] for what in found)) for k in (0, 1))
    rows = []
    for (kind, pick), group, model in product(KINDS.items(), groups, models):
        name, each = f"{kind}; {group}" if len(groups) > 1 else kind, found[model, group]
        rows.append(Figure.of(name, getattr(each, pick), each.account, model=model))
    held = share(int((memory.held.ratio <= 1).sum()), len(memory.held.ratio))
    note = (
        f"Threshold {memory.cut} on {len(memory.held.similar)} held-out pictures; {len(memory.known.pictures)} "
        f"training pictures; features: {memory.how}. Ratio at most 1 among held-out pictures: {held}."
    )
    return Figures(title="Copies", rows=tuple(rows), axis="share of pictures drawn", zero=0, note=note)


def nearness(found: Mapping[str, Seen], memory: Memory) -> Curves:
    """Return the distribution of similarities to the nearest training picture."""
    sets = {"held-out pictures": memory.held.similar, **{name: each.near.similar for name, each in found.items()}}
    ranks = np.linspace(0, 1, 41)
    lines = tuple(
        Line(name=name, x=tuple(np.quantile(each, ranks).tolist()), y=tuple(ranks.tolist()))
        for name, each in sets.items()
        if len(each)
    )
    note = "A curve that lies to the right of that of held-out pictures is nearer to the training set than chance."
    title = "Similarity to the nearest training picture"
    return Curves(title=title, lines=lines, x="similarity", y="share below", note=note)


def repeats(found: Mapping[str, Seen], memory: Memory) -> Figures | None:
    """Return the share of training pictures that were copied at least once, by how often they were repeated."""
    doses = {name: dose for name, each in found.items() if (dose := each.dose(memory)) is not None}
    if not doses:
        return None
    kinds = range(len(next(iter(doses.values())).doses))
    rows = tuple(
        Figure.of(f"{dose.doses[k]:g} times", dose.shares[k], model=name, reference=dose.fitted[k])
        for k in kinds
        for name, dose in doses.items()
    )
    slopes = "; ".join(f"{name} {dose.slope}" for name, dose in doses.items())
    note = f"The reference is the nearest curve that rises. Log odds for each doubling: {slopes}."
    return Figures(title="Copied at least once", rows=rows, axis="share of training pictures", note=note)


def neighbours(name: str, seen: Seen, memory: Memory) -> Sheet:
    """Return the most similar pictures above their nearest training pictures."""
    order = np.argsort(-seen.near.similar, kind="stable")[:SHOWN]
    known = memory.known
    groups = {
        "drawn": [seen.pictures[k] for k in order],
        "nearest": [known.pictures[seen.near.places[k]] for k in order],
    }
    told = [f"{seen.near.similar[k]:.3f} ({known.copies[seen.near.places[k]]})" for k in order]
    note = f"The {len(order)} most similar. Similarity, and how often the one below was repeated: {', '.join(told)}."
    return Sheet(title=f"{name}: nearest training pictures", groups=groups, most=SHOWN, note=note)
