"""Figures of the study of associations, for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limn.audit.embedding_association import GROUPS, PAIRS, TEMPLATES, People, associated, phrases
from limn.audit.report.parts import Figure, Figures, Listing, Section
from limn.audit.statistics.clustered import bootstrap, clustered_mean
from limn.audit.statistics.multiple_testing import holm

if TYPE_CHECKING:
    from limn.models.dual_encoders import Encoder

__all__ = ["captions", "compared", "professions", "told"]

Floats = NDArray[np.float32]
WORK = "at work/at home"


def told(encoder: Encoder, people: People, pairs: Sequence[str]) -> Section:
    """Return what an encoder associates with two groups of pictures.

    Args:
        encoder: The encoder.
        people: The pictures.
        pairs: Pairs of attributes, of :data:`limn.audit.embedding_association.PAIRS`.
    """
    images = encoder.images(people.pictures)
    near = {each: images @ encoder.texts(phrases(each)).T for pair in (*pairs, WORK) for each in PAIRS[pair]}
    apart = {pair: near[PAIRS[pair][0]] - near[PAIRS[pair][1]] for pair in (*pairs, WORK)}
    single = {each: near[each].mean(1) for pair in pairs for each in PAIRS[pair]}
    by_template = tuple((pair, *(_effect(each, people) for each in apart[pair].T)) for pair in pairs)
    return Section(
        title=encoder.name,
        parts=(
            *compared(encoder, people, "EAT", {pair: apart[pair].mean(1) for pair in pairs}),
            *compared(encoder, people, "SC-EAT", single),
            Listing(
                title=f"EAT by template, d, {encoder.name}", columns=("attributes", *TEMPLATES), rows=by_template
            ),
            captions(encoder, people, images),
            professions(encoder, people, apart[WORK].mean(1)),
        ),
    )


def _effect(scores: Floats, people: People) -> float | None:
    value = associated(scores, people.second, people.subjects, draws=2).effect.value
    return None if value is None else round(value, 2)


def compared(encoder: Encoder, people: People, kind: str, scores: Mapping[str, Floats]) -> tuple[Figures, Figures]:
    """Return effects and plain differences of several scores, tested by subject and corrected by Holm.

    Args:
        encoder: Whose scores they are.
        people: The pictures.
        kind: What the scores are of, for the titles.
        scores: By name, one figure a picture.
    """
    found = {name: associated(each, people.second, people.subjects) for name, each in scores.items()}
    p = dict(zip(found, holm([each.test.p for each in found.values()]).p, strict=True))
    effects = tuple(
        Figure.of(n, a.effect, model=encoder.name, p=p[n], note=f"largest d {a.bound:.2f}") for n, a in found.items()
    )
    raw = tuple(Figure.of(n, a.raw, model=encoder.name) for n, a in found.items())
    return (
        Figures(
            title=f"{kind}: {GROUPS[0]} above {GROUPS[1]}, {encoder.name}",
            rows=effects,
            axis="d",
            percent=False,
            zero=0,
        ),
        Figures(
            title=f"{kind}: difference of cosines, {encoder.name}", rows=raw, axis="cosine", percent=False, zero=0
        ),
    )


def captions(encoder: Encoder, people: People, images: Floats) -> Figures:
    """Let the encoder choose among captions that name a profession: how often is it the right one, by group?"""
    roles = list(dict.fromkeys(people.roles.tolist()))
    said = np.mean([images @ encoder.texts([t.format(r) for r in roles]).T for t in ("a {}", "an icon of a {}")], 0)
    right, later = np.array(roles)[said.argmax(1)] == people.roles, people.second
    rows = [
        Figure.of(name, clustered_mean(right[side], people.subjects[side]), model=encoder.name)
        for name, side in zip(GROUPS, (~later, later), strict=True)
    ]

    def quotient(rows: NDArray[np.int64]) -> float:
        first, second = right[rows][~later[rows]], right[rows][later[rows]]
        return float(first.mean() / second.mean()) if len(first) and second.any() else float("nan")

    rows.append(Figure.of(f"{GROUPS[0]} / {GROUPS[1]}", bootstrap(quotient, people.subjects), model=encoder.name))
    return Figures(
        title=f"Captions that name the right profession, {encoder.name}",
        rows=tuple(rows),
        axis="share, and ratio",
        percent=False,
    )


def professions(encoder: Encoder, people: People, scores: Floats) -> Listing:
    """Return the association with work rather than home among pictures of each profession, pairs swapped."""
    rows: list[tuple[str | float | None, ...]] = []
    ps: list[float | None] = []
    pairs = np.arange(len(people.roles)) // 2  # a woman and a man, else alike, stand side by side
    for role in sorted(set(people.roles.tolist())):
        of = people.roles == role
        found = associated(scores[of], people.second[of], pairs[of], draws=500)
        rows.append((role, int(of.sum()), str(found.raw), round(found.bound, 2)))
        ps.append(found.test.p)
    return Listing(
        title=f"{WORK} by profession: {GROUPS[0]} above {GROUPS[1]}, {encoder.name}",
        columns=("profession", "pictures", "difference of cosines", "largest d", "p (Holm)"),
        rows=tuple((*row, p) for row, p in zip(rows, holm(ps).p, strict=True)),
    )
