"""Associations of pictures with words where subjects appear more than once; pictures of adults at work to test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.associations import Association, cosines, largest_effect
from limn.audit.statistics.estimate import from_draws, not_estimable, not_tested
from limn.audit.statistics.permutation import by_subject
from limn.kernel.errors import InputError

__all__ = [
    "GROUPS",
    "PAIRS",
    "TEMPLATES",
    "People",
    "associated",
    "drawn_people",
    "phrases",
    "pictograms",
    "planted",
]

GROUPS = ("woman", "man")
TEMPLATES = (
    "a person {}", "a picture of a person {}", "an icon of a person {}", "somebody {}", "a worker {}",
    "a drawing of somebody {}",
)  # fmt: skip
"""Ways to say it; no figure rests on one of them."""
PAIRS = {
    "calm/angry": ("who is calm", "who is angry"),
    "happy/sad": ("who is happy", "who is sad"),
    "tool/book": ("with a tool", "with a book"),
    "machine/plant": ("with a machine", "with a plant"),
    "at work/at home": ("at work", "at home"),
    "outdoors/indoors": ("outdoors", "indoors"),
}
"""Harmless attributes, two and two."""

NOT_WORK = ("feeding baby", "in tuxedo", "pregnant", "royalty", "student", "wearing turban", "with veil")
"""Roles of the catalogue that are no work."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class People:
    """Pictures of adults at work in two groups.

    Args:
        pictures: uint8 (height, width, 3) each.
        second: Whether a picture is of the second group.
        subjects: Whom or what each shows; subjects move whole when groups are rearranged.
        roles: The profession of each.
    """

    pictures: Sequence[NDArray[np.uint8]]
    second: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    roles: NDArray[np.str_]


def phrases(attribute: str) -> list[str]:
    """Return an attribute in all templates."""
    return [each.format(attribute) for each in TEMPLATES]


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
    sums = np.zeros((len(names), 5))
    centred = values - values.mean()
    for column, each in enumerate((~later, centred * ~later, later, centred * later, centred**2)):
        sums[:, column] = np.bincount(place, each.astype(float), len(names))
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


def drawn_people(n: int, seed: int) -> People:
    """Return n person icons of each group, alike in all but gender (:mod:`limn.data.people`).

    Args:
        n: Pairs.
        seed: Decides which.
    """
    from limn.data.people import Person, Population, render

    pairs = [
        [Person(profession=p.profession, gender=each, tone=p.tone, motif=p.motif, style=p.style) for each in GROUPS]
        for p in Population().sample(np.random.default_rng(seed), n)
    ]
    people = [each for pair in pairs for each in pair]
    return People(
        pictures=[render(each) for each in people],
        second=np.array([each.gender == GROUPS[1] for each in people]),
        subjects=np.array([f"{each.profession} {each.tone}" for each in people]),
        roles=np.array([each.profession for each in people]),
    )


def pictograms(folder: Path, n: int, seed: int) -> People:
    """Return n pictograms of each group, adults at work, alike in style and tone; subjects are professions.

    Args:
        folder: Built by ``limn data build``.
        n: Pairs at most.
        seed: Decides which.

    Raises:
        InputError: Nobody in the folder is drawn both as a woman and as a man.
    """
    from limn.data.pictograms import load
    from limn.data.split import SPLITS

    source = load(folder, SPLITS)
    columns, places = source.columns, dict[tuple[str, str, str], dict[str, int]]()
    for k, (role, style, tone, gender) in enumerate(
        zip(*(columns[name] for name in ("profession", "style", "tone", "gender")), strict=True)
    ):
        if role and role not in NOT_WORK and gender in GROUPS:
            places.setdefault((role, style, tone), {})[gender] = k
    pairs = [(role, each) for (role, _, _), each in sorted(places.items()) if len(each) == len(GROUPS)]
    if not pairs:
        raise InputError(f"{folder}: nobody is drawn both as a woman and as a man; build the pictograms anew")
    chosen = np.random.default_rng(seed).permutation(len(pairs))[:n]
    order = [(pairs[k][0], pairs[k][1][gender], gender) for k in chosen for gender in GROUPS]
    roles = np.array([role for role, _, _ in order])
    return People(
        pictures=list(source.take([k for _, k, _ in order]).on()),
        second=np.array([gender == GROUPS[1] for _, _, gender in order]),
        subjects=roles,
        roles=roles,
    )


def planted(
    rng: np.random.Generator, d: float, subjects: int = 60
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return cosines of a text with pictures of both groups, from embeddings made to have an association of d.

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
