"""Cultures of models side by side: what is nearest to their default, what they do with words, what one gives up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from limn.audit.cultural import MEASURES, Cultured, differences, dominance
from limn.audit.report.parts import Figure, Figures, Listing, Points, Section
from limn.audit.statistics.clustered import clustered_mean

__all__ = ["measured", "nearness", "traded"]


def nearness(found: Mapping[str, Cultured]) -> Listing:
    """Return the default culture without a reader: distances of unmarked pictures to those of every place."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for model, each in found.items():
        far = each.nearness()
        best = min(far, key=lambda place: float(np.nan_to_num(far[place], nan=np.inf).mean()))
        for place, distances in far.items():
            mean = clustered_mean(distances, each.subjects)
            more = clustered_mean(distances - far[best], each.subjects)
            told = "nearest" if place == best else "yes" if (more.low or 0) > 0 else "no"
            rows.append((model, place, len(each.subjects), mean.value, mean.low, mean.high, told))
    space = next(iter(found.values())).encoder or "colours of a coarse grid"
    columns = ("model", "place", "subjects", "squared MMD", "low", "high", "farther than the nearest")
    note = f"Means over subjects with t intervals; space: {space}. The nearest was chosen from the same pictures."
    title = "Distance of unmarked pictures to pictures of each place"
    return Listing(title=title, columns=columns, rows=tuple(rows), note=note)


def measured(found: Mapping[str, Cultured]) -> list[Section]:
    """Return sections of what each model's pictures are like."""
    every = {model: each.measures() for model, each in found.items()}
    sections = []
    for title, names in {"Words": ("specificity", "literalness"), "Diversity": tuple(MEASURES)[2:4]}.items():
        parts = []
        for name in names:
            rows = tuple(Figure.of(name, told[name], model=m) for m, told in every.items() if name in told)
            if rows:
                shares = name == "specificity"
                parts.append(Figures(title=name.capitalize(), rows=rows, axis=MEASURES[name], percent=shares))
        sections.append(Section(title=title, parts=tuple(parts)))
    return sections


def traded(pair: Mapping[str, Cultured]) -> tuple[Section, str]:
    """Return the comparison of two models, and what came out in one sentence.

    Args:
        pair: Two models by name.
    """
    (one, first), (other, second) = pair.items()
    told = differences(first, second)
    rows = tuple(Figure.of(name, each, note=MEASURES[name]) for name, each in told.items())
    parts: list[Figures | Points | str] = [
        Figures(title=f"{one} less {other}", rows=rows, percent=False, zero=0, axis="difference")
    ]
    apart = [name for name, each in told.items() if each.low is not None and not each.covers(0.0)]
    finding = f"{one} and {other} differ in {', '.join(apart)}" if apart else f"{one} and {other} are not told apart"
    if first.field:
        chance = dominance(first, second)
        finding += (
            f"; less biased and more specific in one is {one} with probability {chance['first']:.3f}, {other} with "
            f"{chance['second']:.3f}, neither with {chance['neither']:.3f}"
        )
        points = tuple(_point(model, each) for model, each in pair.items())
        note = "Down and to the right would be better in both."
        parts.append(
            Points(title="Trade-off", points=points, x="specificity", y="default bias (total variation)", note=note)
        )
    parts.append(f"{finding}.")
    return Section(title="Comparison", parts=tuple(parts)), finding


def _point(model: str, one: Cultured) -> tuple[str, float, float, tuple[float, float, float, float] | None, str]:
    x, y = one.specificity(), one.bias().score
    ends = None
    if x.low is not None and x.high is not None and y.low is not None and y.high is not None:
        ends = (x.low, x.high, y.low, y.high)
    return model, x.value or 0.0, y.value or 0.0, ends, model
