"""A study's figures over the thresholds of readers that keep their scores; nothing is read again."""

from __future__ import annotations

from collections.abc import Iterator

from limn.audit.report.parts import Curves, Line, Section
from limn.audit.study import Study
from limn.audit.table import Table

GRID = tuple(round(0.05 * step, 2) for step in range(1, 20))
NOTE = (
    "As read at each threshold, with 95 % intervals over prompts; the reader's errors are counted at its own only."
)


def thresholds(study: Study, table: Table) -> tuple[Section, ...]:
    """Return a section with a curve for each measure that readers with scores decide; none without such readers."""
    parts = tuple(
        Curves(title=f"{title}, by the threshold of {reader.name}", lines=lines, x="threshold", y=title, note=NOTE)
        for reader in table.readers
        if reader.scored
        for title, lines in _curves(study, table, reader.name).items()
    )
    return (Section(title="Thresholds", parts=parts),) if parts else ()


def _curves(study: Study, table: Table, reader: str) -> dict[str, tuple[Line, ...]]:
    """Return by measure a line for each model."""
    points: dict[str, dict[str, list[tuple[float, float, float, float]]]] = {}
    for at in GRID:
        for name, model, point in _points(study, table.at(reader, at), reader, at):
            points.setdefault(name, {}).setdefault(model, []).append(point)
    return {
        name: tuple(_line(model, row) for model, row in models.items())
        for name, models in points.items()
        if any(len({value for _, value, *_ in row}) > 1 for row in models.values())
    }


def _points(
    study: Study, table: Table, reader: str, at: float
) -> Iterator[tuple[str, str, tuple[float, float, float, float]]]:
    for model in table.models:
        for measure in study.measures(table, model, decided=True):
            estimate = measure.estimate()
            if estimate.value is None or reader not in {one.name for one in measure.readers}:
                continue
            low, high = (estimate.value if end is None else end for end in (estimate.low, estimate.high))
            yield measure.name, model, (at, estimate.value, low, high)


def _line(model: str, row: list[tuple[float, float, float, float]]) -> Line:
    x, y, low, high = (tuple(column) for column in zip(*row, strict=True))
    return Line(name=model, x=x, y=y, low=low, high=high)
