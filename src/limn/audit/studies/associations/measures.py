"""Associations of pictures with words where subjects appear more than once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.associations import Association, largest_effect
from limn.audit.statistics.clustered import clustered_share
from limn.audit.statistics.estimate import Estimate, from_draws, not_estimable, not_tested
from limn.audit.statistics.permutation import by_subject
from limn.audit.statistics.resampling import bootstrap
from limn.audit.studies.associations.pictures import GROUPS, People
from limn.audit.studies.associations.prompts import CAPTIONS, PAIRS, WORK, phrases

if TYPE_CHECKING:
    from limn.models.dual_encoders import Encoder

__all__ = ["EncoderAssociations", "associated", "captions", "measured", "professions"]

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class EncoderAssociations:
    """What an encoder associates with two groups of pictures.

    Args:
        name: Of the encoder.
        pairs: EAT of each pair of attributes.
        single: SC-EAT of each attribute.
        by_template: Effect d of each pair in each template, None where it is not estimable.
        captions: Share of pictures whose profession a caption names right, by group, and the ratio of both.
        professions: Pictures of each profession, and their association with work rather than home.
    """

    name: str
    pairs: Mapping[str, Association]
    single: Mapping[str, Association]
    by_template: Mapping[str, tuple[float | None, ...]]
    captions: Mapping[str, Estimate]
    professions: Mapping[str, tuple[int, Association]]


def measured(encoder: Encoder, people: People, pairs: Sequence[str]) -> EncoderAssociations:
    """Return what an encoder associates with two groups of pictures.

    Args:
        encoder: The encoder.
        people: The pictures.
        pairs: Pairs of attributes, of :data:`limn.audit.studies.associations.prompts.PAIRS`.
    """
    images = encoder.images(people.pictures)
    near = {name: images @ encoder.texts(phrases(name)).T for pair in (*pairs, WORK) for name in PAIRS[pair]}
    apart = {pair: near[PAIRS[pair][0]] - near[PAIRS[pair][1]] for pair in (*pairs, WORK)}

    def association(scores: Scores, draws: int = 2000) -> Association:
        return associated(scores, people.second, people.subjects, draws=draws)

    def effect(scores: Scores) -> float | None:
        value = association(scores, draws=2).effect.value
        return None if value is None else round(value, 2)

    return EncoderAssociations(
        name=encoder.name,
        pairs={pair: association(apart[pair].mean(1)) for pair in pairs},
        single={name: association(near[name].mean(1)) for pair in pairs for name in PAIRS[pair]},
        by_template={pair: tuple(effect(scores) for scores in apart[pair].T) for pair in pairs},
        captions=captions(encoder, people, images),
        professions=professions(people, apart[WORK].mean(1)),
    )


def captions(encoder: Encoder, people: People, images: Scores) -> dict[str, Estimate]:
    """Let the encoder choose among captions that name a profession: how often is it the right one, by group?"""
    roles = list(dict.fromkeys(people.roles.tolist()))
    scores = np.mean([images @ encoder.texts([words.format(r) for r in roles]).T for words in CAPTIONS], 0)
    right, later = np.array(roles)[scores.argmax(1)] == people.roles, people.second

    def quotient(rows: NDArray[np.int64]) -> float:
        first, second = right[rows][~later[rows]], right[rows][later[rows]]
        return float(first.mean() / second.mean()) if len(first) and second.any() else float("nan")

    shares = {name: clustered_share(right[side], people.subjects[side]) for name, side in people.sides.items()}
    return {**shares, " / ".join(GROUPS): bootstrap(quotient, people.subjects)}


def professions(people: People, scores: Scores) -> dict[str, tuple[int, Association]]:
    """Return how many pictures of each profession there are, and their association, pairs swapped."""
    pairs = np.arange(len(people.roles)) // 2  # a woman and a man, else alike, stand side by side
    return {
        role: (int(of.sum()), associated(scores[of], people.second[of], pairs[of], draws=500))
        for role in sorted(set(people.roles.tolist()))
        for of in [people.roles == role]
    }


def associated(
    scores: ArrayLike,
    second: ArrayLike,
    subjects: ArrayLike,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Association:
    """Return by how much scores of the first group exceed those of the second, subjects being what was sampled.

    With scores ``mean cos(w, template)`` this is SC-EAT of the picture groups, with ``mean cos(w, a) - mean cos(w,
    b)`` it is EAT (Wolfe et al. 2023, section 3): d divides by the sample deviation of all scores.

    Args:
        scores: One figure a picture (n,).
        second: Which are of the second group (n,).
        subjects: The subject of each (n,); in one group or in both, but all of a kind.
        level: Confidence level.
        draws: Bootstrap draws of subjects.
        seed: Seed of these and of random arrangements.
    """
    values, later = np.asarray(scores, float), np.asarray(second, bool)
    n, first = len(values), int((~later).sum())
    bound = largest_effect(first, n - first) if 0 < first < n else float("nan")
    if min(first, n - first) < 2 or np.ptp(values) == 0:
        nothing = not_estimable("a group has fewer than two, or all are equal", n=n, level=level)
        return Association(nothing, nothing, bound, not_tested(nothing.why, n=n))
    names, place = np.unique(np.asarray(subjects), return_inverse=True)
    centred = values - values.mean()
    columns = (~later, centred * ~later, later, centred * later, centred**2)
    sums = np.stack([np.bincount(place, column.astype(float), len(names)) for column in columns], 1)
    raw, effect = _effects(sums.sum(0)[None])
    kinds = (sums[:, 0] > 0) * 2 + (sums[:, 2] > 0)
    rng, total = np.random.default_rng(seed), np.zeros((draws, 5))
    for kind in np.unique(kinds):
        rows = sums[kinds == kind]
        total += rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), draws) @ rows
    raws, effects = _effects(total)
    how, wider = f"bootstrap of {len(names)} subjects, widened for their number", _widened(level, len(names))
    return Association(
        replace(from_draws(float(effect[0]), effects, level=wider, n=n, how=how), level=level),
        replace(from_draws(float(raw[0]), raws, level=wider, n=n, how=how), level=level),
        bound,
        by_subject(values, later, np.asarray(subjects), sides="two", seed=seed),
    )


def _widened(level: float, subjects: int) -> float:
    """Return the level whose percentiles have the width of a t interval (Hesterberg 2015, section 3.2)."""
    from scipy.special import ndtr, stdtrit

    if subjects < 2:
        return level
    wide = float(stdtrit(subjects - 1, (1 + level) / 2)) * math.sqrt(subjects / (subjects - 1))
    return min(float(2 * ndtr(wide) - 1), 0.9999)


def _effects(sums: Floats) -> tuple[Floats, Floats]:
    """Return raw difference and d from rows of (n, sum) of both groups and the sum of squares."""
    n, one, m, two, squares = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = one / n - two / m
        spread = np.sqrt((squares - (one + two) ** 2 / (n + m)) / (n + m - 1))
        return raw, np.where(spread > 0, raw / spread, np.nan)
