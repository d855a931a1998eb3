"""The report of the study of associations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress

from limn.audit.report.parts import Figure, Figures, Listing, Report, Section, Sheet
from limn.audit.statistics.associations import Association
from limn.audit.statistics.multiple_testing import holm
from limn.audit.studies.associations.measures import EncoderAssociations
from limn.audit.studies.associations.pictures import GROUPS, People
from limn.audit.studies.associations.prompts import TEMPLATES, WORK

CAVEATS = (
    "An association in an embedding space is not what anybody holds; it is what a score inherits that is built on "
    "the encoder.",
    "The effect d has no unit and saturates at the largest d for the sizes of its groups; the difference of cosines "
    "stands beside it.",
    "Groups are how pictures are drawn, by their labels. Only adults at work are shown, and nothing is generated.",
)
UNIT = "subjects"
ABOVE = f"{GROUPS[0]} above {GROUPS[1]}"


def report(encoders: Sequence[EncoderAssociations], people: People) -> Report:
    """Tell what each encoder associates with the pictures."""
    effects = [row for encoder in encoders for row in _compared(encoder.name, "EAT", encoder.pairs)[0].rows]
    findings = (
        f"{row.model}: {row.name}, d = {row.value:.2f}, p = {row.p:.2g} after Holm"
        for row in effects
        if row.p is not None and row.p < 0.05
    )
    pictures = {group: list(compress(people.pictures, side)) for group, side in people.sides.items()}
    sheet = Section(title="Pictures", parts=(Sheet(title="Pairs", groups=pictures),))
    return Report(
        title="Associations of pictures and words",
        question=f"Are pictures of a {GROUPS[0]} nearer to some words than those of a {GROUPS[1]}, else alike?",
        summary=(told(effects),),
        findings=tuple(findings) or ("No association stands out after correction.",),
        sections=(*map(section, encoders), sheet),
        caveats=CAVEATS,
        papers=("wolfe2023contrastive", "caliskan2017weat"),
        tests=f"Holm within each table; {len(TEMPLATES)} templates averaged; permutation by subject, two-sided",
    )


def told(effects: Sequence[Figure]) -> str:
    """Say in plain words which associations stand out."""
    tested = [row for row in effects if row.p is not None]
    sure = [f"{row.name} ({row.model})" for row in tested if (row.p or 0.0) < 0.05]
    named = f": {', '.join(sure)}" if sure else ""
    return (
        f"Of {len(tested)} associations of pictures with words, {len(sure)} stand out from chance{named}; "
        f"for {len(tested) - len(sure)} the pictures do not tell."
    )


def section(encoder: EncoderAssociations) -> Section:
    """Return what one encoder associates with two groups of pictures."""
    name = encoder.name
    captions = tuple(Figure.of(group, share, model=name) for group, share in encoder.captions.items())
    corrected = holm([work.test.p for _, work in encoder.professions.values()]).p
    professions = tuple(
        (role, pictures, str(work.raw), round(work.bound, 2), p)
        for (role, (pictures, work)), p in zip(encoder.professions.items(), corrected, strict=True)
    )
    return Section(
        title=name,
        parts=(
            *_compared(name, "EAT", encoder.pairs),
            *_compared(name, "SC-EAT", encoder.single),
            Listing(
                title=f"EAT by template, d, {name}",
                columns=("attributes", *TEMPLATES),
                rows=tuple((pair, *effects) for pair, effects in encoder.by_template.items()),
            ),
            Figures(
                title=f"Captions that name the right profession, {name}",
                rows=captions,
                axis="share, and ratio",
                percent=False,
                unit=UNIT,
            ),
            Listing(
                title=f"{WORK} by profession: {ABOVE}, {name}",
                columns=("profession", "pictures", "difference of cosines", "largest d", "p (Holm)"),
                rows=professions,
                note="Intervals and tests take pairs of pictures as drawn by chance.",
            ),
        ),
    )


def _compared(model: str, kind: str, associations: Mapping[str, Association]) -> tuple[Figures, Figures]:
    """Return effects and plain differences of several scores, tested by subject and corrected by Holm."""
    p = holm([one.test.p for one in associations.values()]).p
    effects = tuple(
        Figure.of(name, one.effect, model=model, p=value, note=f"largest d {one.bound:.2f}")
        for (name, one), value in zip(associations.items(), p, strict=True)
    )
    raw = tuple(Figure.of(name, one.raw, model=model) for name, one in associations.items())
    title = f"{kind}: difference of cosines, {model}"
    return (
        Figures(title=f"{kind}: {ABOVE}, {model}", rows=effects, axis="d", percent=False, zero=0, unit=UNIT),
        Figures(title=title, rows=raw, axis="cosine", percent=False, zero=0, unit=UNIT),
    )
