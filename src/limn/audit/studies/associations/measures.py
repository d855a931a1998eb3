"""Associations of pictures with words where subjects appear more than once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.associations import Association, largest_effect
from limn.audit.statistics.clustered import clustered_share
from limn.audit.statistics.estimate import Estimate, not_estimable, not_tested, t_quantile, welch
from limn.audit.statistics.permutation import by_subject
from limn.audit.statistics.resampling import bootstrap
from limn.audit.studies.associations.pictures import GROUPS, People
from limn.audit.studies.associations.prompts import CAPTIONS, PAIRS, WORK, phrases

if TYPE_CHECKING:
    from limn.models.dual_encoders import Encoder

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]


FEW = 8
"""Subjects below which the interval of d, a quotient, would not hold; that of the difference does."""


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


def measured(encoder: Encoder, people: People, pairs: Mapping[str, tuple[str, str]]) -> EncoderAssociations:
    """Return what an encoder associates with two groups of pictures.

    Args:
        encoder: The encoder.
        people: The pictures.
        pairs: Attributes by name, two and two.
    """
    images, known = encoder.images(people.pictures), {**pairs, "": PAIRS[WORK]}
    near = {name: images @ encoder.texts(phrases(name)).T for pair in known.values() for name in pair}
    apart = {pair: near[first] - near[second] for pair, (first, second) in known.items()}

    def association(scores: Scores) -> Association:
        return associated(scores, people.second, people.subjects)

    def effect(scores: Scores) -> float | None:
        value = association(scores).effect.value
        return None if value is None else round(value, 2)

    return EncoderAssociations(
        name=encoder.name,
        pairs={pair: association(apart[pair].mean(1)) for pair in pairs},
        single={name: association(near[name].mean(1)) for pair in pairs.values() for name in pair},
        by_template={pair: tuple(effect(scores) for scores in apart[pair].T) for pair in pairs},
        captions=captions(encoder, people, images),
        professions=professions(people, apart[""].mean(1)),
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
        role: (int(of.sum()), associated(scores[of], people.second[of], pairs[of]))
        for role in sorted(set(people.roles.tolist()))
        for of in [people.roles == role]
    }


def associated(
    scores: ArrayLike,
    second: ArrayLike,
    subjects: ArrayLike,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Association:
    """Return by how much scores of the first group exceed those of the second, subjects being what was sampled.

    With scores ``mean cos(w, template)`` this is SC-EAT of the picture groups, with ``mean cos(w, a) - mean cos(w,
    b)`` it is EAT (Wolfe et al. 2023, section 3): d divides by the sample deviation of all scores. The intervals are
    t intervals of what each subject contributes, with the degrees of freedom of Welch and Satterthwaite.

    Args:
        scores: One figure a picture (n,).
        second: Which are of the second group (n,).
        subjects: The subject of each (n,); in one group or in both, but all of a kind.
        level: Confidence level.
        seed: Seed of random arrangements.
    """
    values, later = np.asarray(scores, float), np.asarray(second, bool)
    n, first = len(values), int((~later).sum())
    bound = largest_effect(first, n - first) if 0 < first < n else float("nan")
    if min(first, n - first) < 2 or np.ptp(values) == 0:
        nothing = not_estimable("a group has fewer than two, or all are equal", n=n, level=level)
        return Association(nothing, nothing, bound, not_tested(nothing.why, n=n))
    names, place = np.unique(np.asarray(subjects), return_inverse=True)
    centres, deviation = [values[side].mean() for side in (~later, later)], values.std(ddof=1)
    raw = float(centres[0] - centres[1])
    # What each picture adds to the difference, and to d through the deviation: first order (Hampel 1974).
    adds = np.where(later, -(values - centres[1]) / (n - first), (values - centres[0]) / first)
    scatter = ((values - values.mean()) ** 2 - deviation**2) / n
    to_effect = adds / deviation - raw / (2 * deviation**3) * scatter
    kinds = np.bincount(place, later.astype(float), len(names)) / np.bincount(place, minlength=len(names))
    effect, difference = (
        _by_subject(value, np.asarray(np.bincount(place, column, len(names)), float), kinds, level, n)
        for value, column in ((raw / float(deviation), to_effect), (raw, adds))
    )
    if len(names) < FEW:
        why = f"{len(names)} subjects, fewer than the {FEW} that an effect d needs"
        effect = not_estimable(why, n=n, level=level)
    test = by_subject(values, later, np.asarray(subjects), sides="two", seed=seed)
    return Association(effect, difference, bound, test)


def _by_subject(
    value: float, adds: NDArray[np.float64], kinds: NDArray[np.float64], level: float, n: int
) -> Estimate:
    """Return the t interval of a figure from what each subject adds to it, subjects of one group apart."""
    apart = np.isin(kinds, (0, 1)).all()
    parts = [adds[kinds == side] for side in (0, 1)] if apart else [adds]
    if min(map(len, parts)) < 2:
        return not_estimable("a group has one subject only", n=n, level=level)
    variances = [len(part) * float(part.var(ddof=1)) for part in parts]
    if not sum(variances) > 0:
        return not_estimable("subjects do not differ", n=n, level=level)
    half = t_quantile(level, welch(variances, list(map(len, parts)))) * math.sqrt(sum(variances))
    return Estimate(value, value - half, value + half, level, n, f"t interval of {len(adds)} subjects")
