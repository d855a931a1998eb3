"""Several runs in one table: each study's figures by model, and every difference, corrected for their number."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

from limn.audit.folder import Folder
from limn.audit.measure import Measure
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.multiple_testing import holm
from limn.audit.study import Study, build
from limn.audit.table import Table
from limn.kernel import registry
from limn.kernel.errors import InputError

SCHEMA = 1
SCHEMA_FILE = Path(__file__).with_name("compare.schema.json")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One figure of a model, or the difference of two models' figures.

    Args:
        study: The study.
        measure: What it is.
        model: Of which model.
        less: The model that is subtracted; empty for a figure.
        value: The estimate; None is "not estimable".
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Of no difference, corrected after Holm for all differences of the comparison.
        paired: Whether the prompts of both were paired; None for a figure.
        prompts: How many prompts, or what the unit says, it rests on.
        pictures: How many pictures.
        unit: What was sampled.
        reader: Who read.
        note: How the interval came about, or why there is none.
    """

    study: str
    measure: str
    model: str
    less: str = ""
    value: float | None
    low: float | None
    high: float | None
    p: float | None = None
    paired: bool | None = None
    prompts: int
    pictures: int
    unit: str
    reader: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What runs say side by side.

    Args:
        runs: Folder, study with its options, models and readers of each.
        figures: By study and measure, models together.
        differences: Of every two models of one measure.
        correction: How tests were corrected, in words.
    """

    runs: tuple[dict[str, Any], ...]
    figures: tuple[Entry, ...]
    differences: tuple[Entry, ...]
    correction: str

    def record(self) -> dict[str, Any]:
        """Return it as JSON-ready data of the form of ``compare.schema.json``."""
        return {
            "schema": SCHEMA,
            "level": 0.95,
            "correction": self.correction,
            "runs": list(self.runs),
            "figures": [_plain(entry) for entry in self.figures],
            "differences": [_plain(entry) for entry in self.differences],
        }

    def csv(self) -> str:
        """Return figures and differences as the lines of one CSV file."""
        text = io.StringIO()
        lines = csv.DictWriter(text, [field.name for field in fields(Entry)], lineterminator="\n")
        lines.writeheader()
        lines.writerows(map(_plain, (*self.figures, *self.differences)))
        return text.getvalue()


def compare(folders: Sequence[Path]) -> Comparison:
    """Compare audits that were made; nothing is drawn or read.

    Args:
        folders: Of two audits or more, or of one with several models.

    Raises:
        InputError: If a folder is given twice or holds no audit of a study that has means over prompts, or there is
            nothing to compare.
    """
    runs = [(path, *_opened(path)) for path in folders]
    for path, count in Counter(path.resolve() for path in folders).items():
        if count > 1:
            raise InputError(f"{path}: is given twice; name each run once")
    named = Counter((registry.name_of(study), model) for _, study, table in runs for model in table.models)
    measures: dict[tuple[str, str], list[tuple[str, Measure]]] = {}
    for path, study, table in runs:
        name = registry.name_of(study)
        for model in table.models:
            label = f"{model} ({path.name})" if named[name, model] > 1 else model
            for measure in study.measures(table, model):
                measures.setdefault((name, measure.name), []).append((label, measure))
    if not any(len(rows) > 1 for rows in measures.values()):
        raise InputError("compare: no two models were measured by one study in the same way; nothing to compare")
    figures = [_figure(*key, *row) for key, rows in measures.items() for row in rows]
    raw = [_difference(*key, *pair) for key, rows in measures.items() for pair in combinations(rows, 2)]
    corrected = holm([p for _, p in raw])
    return Comparison(
        runs=tuple(_run(*run) for run in runs),
        figures=tuple(figures),
        differences=tuple(
            Entry(**{**asdict(entry), "p": p}) for (entry, _), p in zip(raw, corrected.p, strict=True)
        ),
        correction=corrected.how,
    )


def _opened(path: Path) -> tuple[Study, Table]:
    home = Folder(path)
    record = home.plan().study
    if not record:
        raise InputError(f"{path}: does not say which study it is; it was not made by limn audit STUDY")
    study, table = build(record), home.table()
    if not table.models or not study.measures(table, table.models[0]):
        name = registry.name_of(study)
        raise InputError(f"{path}: {name} has no means over prompts; compare within one audit (--against)")
    return study, table


def _run(path: Path, study: Study, table: Table) -> dict[str, Any]:
    readers = [f"{reader.name} {reader.version}".strip() for reader in table.readers]
    return {"folder": str(path), "study": registry.record(study), "models": table.models, "readers": readers}


def _figure(study: str, name: str, model: str, measure: Measure) -> Entry:
    estimate = measure.estimate()
    return _entry(study, name, model, measure, estimate, prompts=len(measure.figures()), pictures=measure.n)


def _difference(
    study: str, name: str, first: tuple[str, Measure], second: tuple[str, Measure]
) -> tuple[Entry, float | None]:
    (model, one), (other, two) = first, second
    pictures = one.n + two.n
    if why := one.why_not(two):
        return _entry(study, name, model, one, Estimate.none(why), less=other, prompts=0, pictures=pictures), None
    estimate, test, paired = one.less(two)
    both = len(one.figures().keys() & two.figures().keys())
    prompts = both if paired else len(one.figures()) + len(two.figures())
    entry = _entry(study, name, model, one, estimate, less=other, prompts=prompts, pictures=pictures, paired=paired)
    return entry, test.p


def _entry(study: str, name: str, model: str, measure: Measure, estimate: Estimate, **facts: Any) -> Entry:
    return Entry(
        study=study,
        measure=name,
        model=model,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        unit=measure.unit,
        reader=measure.read_by,
        note=estimate.why or estimate.how,
        **facts,
    )


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(entry).items()
    }


def matrix(entries: Sequence[Entry]) -> Iterator[tuple[str, str, dict[str, Entry]]]:
    """Yield study, measure and the figures of all models, for a table of models side by side."""
    for study, measure in dict.fromkeys((entry.study, entry.measure) for entry in entries):
        yield study, measure, {e.model: e for e in entries if (e.study, e.measure) == (study, measure)}
