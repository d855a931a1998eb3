"""What one model does with culture: its default, how it follows words, how diverse it is, and whether it dominates.

Formulas: Gretton et al. 2012 (MMD), Friedman and Dieng 2023 (Vendi score). Pictures of one subject are compared with
pictures of that subject only, since words of culture change scenes, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from limn.audit.features import features
from limn.audit.statistics.clustered import clustered_mean, clustered_share, paired_difference
from limn.audit.statistics.discrepancy import between, median_bandwidth
from limn.audit.statistics.distances import mean_distance, vendi
from limn.audit.statistics.estimate import Estimate, not_estimable
from limn.audit.statistics.inequality import Inequality, total_variation
from limn.audit.statistics.shares import newcombe, shares
from limn.audit.table import Table

DRAWS = 1000
MEASURES = {
    "default bias": "total variation of unmarked pictures' places to the reference; 0 is the reference",
    "specificity": "share of pictures that show the place the prompt names",
    "diversity (mean distance)": "mean of 1 - cos between unmarked pictures of one subject",
    "diversity (Vendi)": "effective number of different pictures, at equal numbers of pictures",
    "literalness": "mean of 1 - cos between a picture with the place named and one without, equal seeds",
}
"""What is measured, in words."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedPictures:
    """One model's pictures of subjects, with a place named and without.

    Args:
        table: Its rows; slots ``concept`` and ``place``, the latter empty where none is named.
        field: The reader's field whose values are the places; empty for none.
        places: All places, in order.
        reference: What the places of unmarked pictures are compared with (P,), summing to 1.
        encoder: As :func:`limn.audit.features.features` takes it.
    """

    table: Table
    field: str
    places: tuple[str, ...]
    reference: tuple[float, ...]
    encoder: str = ""

    @cached_property
    def subjects(self) -> list[str]:
        """Subjects in the order asked."""
        return self.table.distinct("concept")

    @property
    def unmarked(self) -> Table:
        """Rows whose prompt names no place."""
        return self.table.of(place="")

    @cached_property
    def counts(self) -> list[int]:
        """Unmarked pictures by place, as read."""
        read = Counter(self.unmarked.values(self.field))
        return [read[place] for place in self.places]

    def default(self) -> dict[str, Estimate]:
        """Return the share of each place among unmarked pictures, as read."""
        return dict(zip(self.places, shares(self.counts), strict=True))

    def bias(self) -> Inequality:
        """Return how far the default lies from the reference."""
        return total_variation(self.counts, self.reference)

    @cached_property
    def right(self) -> tuple[Floats, list[str]]:
        """Whether each marked picture shows its place (NaN unreadable), and its subject."""
        rows = self.table.rows
        read = self.table.values(self.field)
        kept = [(row, value) for row, value in zip(rows, read, strict=True) if row.slots["place"]]
        right = [np.nan if value is None else float(value == row.slots["place"]) for row, value in kept]
        return np.array(right, float), [row.slots["concept"] for row, _ in kept]

    def specificity(self) -> Estimate:
        """Return the mean over subjects of the share of marked pictures that show the place named."""
        return clustered_share(*self.right)

    @cached_property
    def vectors(self) -> dict[tuple[str, str], dict[int, Floats]]:
        """Features by subject and place, then by seed."""
        vectors: dict[tuple[str, str], dict[int, Floats]] = {}
        drawn = [row for row in self.table.rows if row.drawn]
        for row, vector in zip(drawn, features(self.table.pictures(), self.encoder), strict=True):
            vectors.setdefault((row.slots["concept"], row.slots["place"]), {})[row.seed] = vector
        return vectors

    def _plain(self, subject: str) -> Floats:
        return np.array(list(self.vectors.get((subject, ""), {}).values()))

    @cached_property
    def nearness(self) -> dict[str, Floats]:
        """By place, for each subject, the squared MMD of its unmarked pictures to those of the place.

        Pictures of equal seeds resemble each other and are not compared: Gretton et al. 2012, lemma 6.
        """
        distances: dict[str, list[float]] = {place: [] for place in self.places}
        for subject in self.subjects:
            sets = {place: self.vectors.get((subject, place), {}) for place in ("", *self.places)}
            drawn = [np.array(list(vectors.values())) for vectors in sets.values() if vectors]
            wide = median_bandwidth(*drawn) if drawn else 0.0
            for place in self.places:
                takes = sorted(sets[""].keys() & sets[place].keys())
                one, other = (np.array([sets[name][take] for take in takes]) for name in ("", place))
                distances[place].append(_unpaired(one, other, wide))
        return {place: np.array(values) for place, values in distances.items()}

    def distances(self) -> dict[str, tuple[Estimate, Estimate | None]]:
        """Return by place the mean of :meth:`nearness`, and by how much it exceeds the nearest's; None for that."""
        far, subjects = self.nearness, self.subjects
        best = min(far, key=lambda place: float(np.nan_to_num(far[place], nan=np.inf).mean()))
        means = {place: clustered_mean(values, subjects) for place, values in far.items()}
        more = {
            place: clustered_mean(values - far[best], subjects) for place, values in far.items() if place != best
        }
        return {place: (mean, more.get(place)) for place, mean in means.items()}

    def diversity(self, score: str) -> Floats:
        """Return the diversity of each subject's unmarked pictures: "vendi" or "distance"."""
        return np.array([(vendi if score == "vendi" else mean_distance)(self._plain(s)) for s in self.subjects])

    @cached_property
    def literal(self) -> tuple[Floats, list[str]]:
        """1 - cos of every pair of equal seed, marked and not, and its subject."""
        distances, subjects = [], []
        for (subject, place), takes in self.vectors.items():
            plain = self.vectors.get((subject, ""), {})
            for take in takes.keys() & plain.keys() if place else ():
                one, other = takes[take], plain[take]
                length = float(np.linalg.norm(one) * np.linalg.norm(other))
                distances.append(1 - float(one @ other) / max(length, 1e-12))
                subjects.append(subject)
        return np.array(distances), subjects

    def measures(self) -> dict[str, Estimate]:
        """Return every measure of MEASURES with its interval, over subjects."""
        bias, specificity, distance, score, literalness = MEASURES
        read = {bias: self.bias().score, specificity: self.specificity()} if self.field else {}
        return read | {
            distance: clustered_mean(self.diversity("distance"), self.subjects),
            score: clustered_mean(self.diversity("vendi"), self.subjects),
            literalness: clustered_mean(*self.literal),
        }

    @cached_property
    def _cells(self) -> tuple[NDArray[np.int64], Floats]:
        """Place of the unmarked picture (-1 unreadable) and share of marked ones right, by subject and seed."""
        number = {place: k for k, place in enumerate(self.places)}
        cells: dict[tuple[str, int], list[tuple[str, str | None]]] = {}
        for row, value in zip(self.table.rows, self.table.values(self.field), strict=True):
            cells.setdefault((row.slots["concept"], row.seed), []).append((row.slots["place"], str(value)))
        plain = [number.get(next((v or "" for p, v in cell if not p), ""), -1) for cell in cells.values()]
        right = [
            np.mean([float(p == v) for p, v in cell if p and v in number] or [np.nan]) for cell in cells.values()
        ]
        return np.array(plain), np.array(right)

    def again(self, rng: np.random.Generator) -> tuple[float, float]:
        """Return (default bias, specificity) of one bootstrap draw; what shares a seed stays together."""
        plain, right = self._cells
        rows = rng.integers(len(plain), size=len(plain))
        counts = np.bincount(plain[rows][plain[rows] >= 0], minlength=len(self.places))
        bias = abs(counts / max(counts.sum(), 1) - np.array(self.reference)).sum() / 2
        named = right[rows][~np.isnan(right[rows])]
        return float(bias), float(named.mean()) if len(named) else np.nan


def _unpaired(one: Floats, other: Floats, wide: float) -> float:
    """Return the squared MMD of two sets of pairs, no picture compared with its own pair; NaN below two."""
    if len(one) < 2 or not wide > 0:
        return float("nan")
    apart = ~np.eye(len(one), dtype=bool)
    kernels = (np.exp(-0.5 * (between(a, b) / wide) ** 2)[apart].mean() for a, b in ((one, one), (other, other)))
    return float(sum(kernels) - 2 * np.exp(-0.5 * (between(one, other) / wide) ** 2)[apart].mean())


def _biases(first: PlacedPictures, second: PlacedPictures, level: float = 0.95) -> Estimate:
    """Return the difference of default biases: of the share of what both together show too often.

    Total variation has a kink where shares equal the reference, at which no bootstrap of it covers; the share of the
    places that the two models together over-represent has none, and differs by as much where one model leads.
    """
    one, two = np.array(first.counts), np.array(second.counts)
    if not one.sum() or not two.sum():
        return not_estimable("nothing readable", n=int(one.sum() + two.sum()))
    both = one / one.sum() + two / two.sum() - 2 * np.array(first.reference)
    over = both > 0
    return newcombe(int(one[over].sum()), int(one.sum()), int(two[over].sum()), int(two.sum()), level=level)


def differences(first: PlacedPictures, second: PlacedPictures) -> dict[str, Estimate]:
    """Return every measure of the first model minus that of the second, same prompts."""
    bias, specificity, distance, score, literalness = MEASURES
    read = {}
    if first.field:
        read = {bias: _biases(first, second), specificity: paired_difference(*first.right, *second.right)}
    return read | {
        distance: clustered_mean(first.diversity("distance") - second.diversity("distance"), first.subjects),
        score: clustered_mean(first.diversity("vendi") - second.diversity("vendi"), first.subjects),
        literalness: paired_difference(*first.literal, *second.literal),
    }


def dominance(first: PlacedPictures, second: PlacedPictures, *, seed: int = 0) -> dict[str, float]:
    """Return how often one model is both less biased and more specific than the other, over bootstrap draws.

    Returns:
        Probabilities by ``"first"``, ``"second"`` and ``"neither"``.
    """
    rng = np.random.default_rng(seed)
    ones = np.array([first.again(rng) for _ in range(DRAWS)])
    twos = np.array([second.again(rng) for _ in range(DRAWS)])
    wins = float(((ones[:, 0] < twos[:, 0]) & (ones[:, 1] > twos[:, 1])).mean())
    loses = float(((ones[:, 0] > twos[:, 0]) & (ones[:, 1] < twos[:, 1])).mean())
    return {"first": wins, "second": loses, "neither": 1 - wins - loses}
