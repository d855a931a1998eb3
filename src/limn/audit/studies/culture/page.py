"""The report of the study of culture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from limn.audit.replication import Copies, Memory
from limn.audit.report.copies import copies_figures
from limn.audit.report.parts import (
    Bars,
    Figure,
    Figures,
    Listing,
    Part,
    Points,
    Report,
    Section,
    by_name,
    point,
)
from limn.audit.report.words import plain
from limn.audit.studies.culture.measures import MEASURES, PlacedPictures, differences, dominance

QUESTION = (
    "Which place do pictures show when the prompt names none, how closely do they follow a place that is named, and "
    "does a model that does better in the one do worse in the other?"
)
CAVEATS = (
    "No model is culturally agnostic, and no reference for a default is neutral; the one used here is declared.",
    "Spaces in which pictures are compared have a default culture of their own, so what needs no reader is no "
    "neutral judge; both ways are told.",
    "Words of culture change what a scene contains, not only where it is; pictures are compared within a subject.",
    "Diversity cannot tell variety from failure: look at the pictures.",
)


def report(models: Mapping[str, PlacedPictures], copies: Mapping[str, Copies], memory: Memory | None) -> Report:
    """Tell what was measured.

    Args:
        models: What is counted of each model.
        copies: Copies of training pictures by model.
        memory: The training set; None where copies were not looked for.
    """
    sections = [Section(title="Default culture", parts=_default(models)), *measured(models)]
    if memory is not None:
        part = copies_figures({(model, "all"): found for model, found in copies.items()}, memory)
        sections.append(Section(title="Memorisation", parts=(part,)))
    findings = [f"{model}: {summary(pictures)}" for model, pictures in models.items()]
    for one, other in pairwise(models):
        section, finding = traded({one: models[one], other: models[other]})
        sections.append(section)
        findings.insert(0, finding)
    return Report(
        title="Culture",
        question=QUESTION,
        summary=tuple(told(model, pictures) for model, pictures in models.items()),
        findings=tuple(findings),
        sections=tuple(sections),
        caveats=CAVEATS,
        papers=("cetinic2022myth", "friedman2023vendi"),
    )


def told(model: str, pictures: PlacedPictures) -> str:
    """Say in plain words what a model shows by default, and whether it follows a place that is named."""
    if not pictures.field or not any(pictures.counts):
        return f"Nobody could read which place the pictures of {model} show."
    shares = pictures.default()
    place = max(shares, key=lambda name: shares[name].value or 0)
    mark = pictures.reference[pictures.places.index(place)]
    right = pictures.specificity()
    follows = f" Where a place is named it is there in {plain(right)}." if right.estimable else ""
    return (
        f"When no place is named, {model} shows {place} in {plain(shares[place])}, where the reference has "
        f"{100 * mark:.0f}.{follows}"
    )


def summary(pictures: PlacedPictures) -> str:
    """Say in one sentence what was measured of a model."""
    known = {place: float(np.nanmean(far)) for place, far in pictures.nearness.items() if not np.isnan(far).all()}
    near = f"unmarked pictures are nearest to {min(known, key=known.__getitem__)}" if known else "nothing was drawn"
    if not pictures.field:
        return near
    place, share = max(pictures.default().items(), key=lambda item: item[1].value or 0)
    return f"by default {place} {share}, without a reader {near}; specificity {pictures.specificity()}"


def _default(models: Mapping[str, PlacedPictures]) -> tuple[Part, ...]:
    """Return what is shown where no place is named, as read and without a reader."""
    read = {model: (pictures, pictures.default()) for model, pictures in models.items() if pictures.field}
    if not read:
        return (nearness(models),)
    rows = by_name(
        Figure.of(
            place, share, pictures.unmarked.account(pictures.field), model=model, reference=mark,
            where={"model": model, "place": "", pictures.field: place},
        )
        for model, (pictures, shares) in read.items()
        for (place, share), mark in zip(shares.items(), pictures.reference, strict=True)
    )  # fmt: skip
    bars = {
        model: {place: share.value or 0.0 for place, share in shares.items()} for model, (_, shares) in read.items()
    }
    title = "Shown when no place is named, as read"
    return (
        Figures(
            title=title,
            rows=rows,
            axis="share of readable pictures",
            unit="pictures",
            field=next(iter(read.values()))[0].field,
        ),
        Bars(title="Default culture", groups=bars),
        nearness(models),
    )


def nearness(models: Mapping[str, PlacedPictures]) -> Listing:
    """Return the default culture without a reader: distances of unmarked pictures to those of every place."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for model, pictures in models.items():
        for place, (mean, more) in pictures.distances().items():
            farther = "nearest" if more is None else "yes" if (more.low or 0) > 0 else "no"
            rows.append((model, place, len(pictures.subjects), mean.value, mean.low, mean.high, farther))
    space = next(iter(models.values())).encoder or "colours of a coarse grid"
    columns = ("model", "place", "subjects", "squared MMD", "low", "high", "farther than the nearest")
    note = f"Means over subjects with t intervals; space: {space}. The nearest was chosen from the same pictures."
    title = "Distance of unmarked pictures to pictures of each place"
    return Listing(title=title, columns=columns, rows=tuple(rows), note=note)


def measured(models: Mapping[str, PlacedPictures]) -> list[Section]:
    """Return sections of what each model's pictures are like."""
    estimates = {model: pictures.measures() for model, pictures in models.items()}
    sections = []
    for title, names in {"Words": ("specificity", "literalness"), "Diversity": tuple(MEASURES)[2:4]}.items():
        parts = []
        for name in names:
            rows = tuple(
                Figure.of(name, known[name], model=m, n=f"{len(models[m].subjects)} subjects", where={"model": m})
                for m, known in estimates.items()
                if name in known
            )
            if rows:
                share = name == "specificity"
                title_of, axis = name.capitalize(), MEASURES[name]
                parts.append(Figures(title=title_of, rows=rows, axis=axis, percent=share, unit="subjects"))
        sections.append(Section(title=title, parts=tuple(parts)))
    return sections


def traded(pair: Mapping[str, PlacedPictures]) -> tuple[Section, str]:
    """Return the comparison of two models, and what came out in one sentence.

    Args:
        pair: Two models by name.
    """
    (one, first), (other, second) = pair.items()
    changes = differences(first, second)
    rows = tuple(Figure.of(name, change, note=MEASURES[name]) for name, change in changes.items())
    unit = "subjects (of the default bias: pictures)"
    title = f"{one} less {other}"
    parts: list[Part] = [Figures(title=title, rows=rows, percent=False, zero=0, axis="difference", unit=unit)]
    apart = [name for name, change in changes.items() if change.low is not None and not change.covers(0.0)]
    finding = f"{one} and {other} differ in {', '.join(apart)}" if apart else f"{one} and {other} are not told apart"
    if first.field:
        chance = dominance(first, second)
        finding += (
            f"; less biased and more specific in one is {one} with probability {chance['first']:.3f}, {other} with "
            f"{chance['second']:.3f}, neither with {chance['neither']:.3f}"
        )
        points = (
            point(model, pictures.specificity(), pictures.bias().score, model) for model, pictures in pair.items()
        )
        parts.append(
            Points(
                title="Trade-off", points=tuple(filter(None, points)), x="specificity",
                y="default bias (total variation)", note="Down and to the right would be better in both.",
            )
        )  # fmt: skip
    parts.append(f"{finding}.")
    return Section(title="Comparison", parts=tuple(parts)), finding
