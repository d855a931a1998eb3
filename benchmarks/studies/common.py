"""What the studies share: models of worlds, drawing, reports, estimates as data, sheets, coverage on oracles."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.kit import sheets
from benchmarks.kit.drawing import exported
from benchmarks.kit.intervals import as_data
from benchmarks.kit.results import rounded
from benchmarks.kit.run import Measure, command, run
from limn.audit.readers.reader import Reader
from limn.audit.report.parts import Figure, Figures, Listing, Report, Sheet
from limn.audit.report.write import write
from limn.audit.run import gather
from limn.audit.selfcheck import Coverage, selfcheck
from limn.audit.sources import FromGenerator, Source
from limn.audit.study import Study
from limn.audit.table import Table
from limn.kernel import registry

STUDIES = Path("runs/studies")


def run_study(parts: Mapping[str, Measure], name: str, *, main: str = "") -> None:
    """Measure the parts of a study; see :func:`benchmarks.kit.run.run`."""
    run(parts, f"audit_{name}", main=main, quick={"audits": 2, "n": 1})


def coverage(name: str, study: Study, audits: int) -> list[dict[str, Any]]:
    """Return how often a study's intervals hold planted values."""
    found = []
    for event in selfcheck(name, study, audits=audits):
        if isinstance(event, Coverage):
            row = {"quantity": event.name, "truth": round(event.truth, 4), "covered": as_data(event.covered)}
            row |= rounded({"bias": event.bias, "width": event.width})
            found.append({**row, "estimable": event.estimable, "verdict": event.verdict})
        else:
            print(f"\raudit {event.done} of {event.total}, {event.seconds:.0f} s   ", end="", flush=True)
    return found


def model(world: str, scale: float, name: str) -> FromGenerator:
    """Return the model of a world (tools.people_worlds) at a guidance scale."""
    guidance = [f"classifier_free:scale={scale:g}"]
    return FromGenerator(model=str(exported(f"people_{world}")), name=name, guidance=guidance, steps=10)


def drawn(study: Study, sources: Sequence[Source], folder: str, readers: Sequence[Reader | str] = ()) -> Table:
    """Draw and read what is missing below ``runs/studies``."""
    record, path = registry.record(study), STUDIES / folder
    for event in gather(study.probe(), sources, readers or study.read_by, path, study=record, command=command()):
        if isinstance(event, Table):
            return event
        print(f"\r{folder}: {event.stage} {event.name} {event.done} of {event.total}   ", end="", flush=True)
    raise AssertionError


def audited(
    study: Study, sources: Sequence[Source], folder: str, readers: Sequence[Reader | str] = ()
) -> tuple[Table, Report]:
    """Draw what is missing, analyse it, and write the report page beside the pictures."""
    table = drawn(study, sources, folder, readers)
    report = study.analyse(table)
    print("\n", write(STUDIES / folder, report, table, command=command(), study=registry.record(study)))
    return table, report


def estimates(report: Report) -> dict[str, Any]:
    """Return what a report estimates, by title, row and model."""
    found: dict[str, Any] = {"findings": list(report.findings)}
    for part in (part for section in report.sections for part in section.parts):
        if isinstance(part, Figures):
            rows: dict[str, Any] = {"note": part.note} if part.note else {}
            for row in part.rows:
                rows.setdefault(row.name, {})[row.model or "all"] = _figure(row)
            found[part.title] = rows
        elif isinstance(part, Listing):
            found[part.title] = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    return found


def sheets_of(report: Report) -> list[Sheet]:
    """Return the pictures of a report, those of its groups in order."""
    return [part for section in report.sections for part in section.parts if isinstance(part, Sheet)]


def picture(name: str, shown: Sequence[Sheet], *, scale: int = 2) -> None:
    """Write ``docs/pictures/audits/NAME.webp``: a labelled row for each group of each sheet."""
    groups = {
        f"{sheet.title.partition(':')[0]}, {group}" if len(shown) > 1 else group: list(pictures)[: sheet.most]
        for sheet in shown
        for group, pictures in sheet.groups.items()
    }
    sheets.rows(f"audits/{name}", groups, scale=scale, label=150)


def _figure(row: Figure) -> dict[str, Any]:
    kept = {"value": row.value, "low": row.low, "high": row.high, "p": row.p, "of": row.readable}
    numbers = {name: float(f"{value:.4g}") for name, value in kept.items() if value is not None}
    return numbers | ({"note": row.note} if row.note else {})
