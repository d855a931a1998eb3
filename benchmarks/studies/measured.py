"""What the benchmarks of stereotypes and culture share: small models, drawing, figures as data, coverage."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import record
from limn.audit.folder import Folder
from limn.audit.readers.reader import Reader
from limn.audit.report.write import write as write_report
from limn.audit.run import gather
from limn.audit.selfcheck import Coverage, selfcheck
from limn.audit.sources import FromGenerator, Source
from limn.audit.statistics.estimate import Estimate
from limn.audit.study import Study
from limn.audit.table import Table
from limn.kernel import registry
from limn.train.export import export

__all__ = ["coverage", "drawn", "model", "reported", "told", "write"]

STUDIES = Path("runs/studies")


def model(world: str, scale: float, name: str) -> FromGenerator:
    """Return the model of a world (tools.people_worlds) at a guidance scale, exported anew if it is newer."""
    folder, trained = Path("runs/models") / f"people_{world}", Path("runs/train") / f"people_{world}"
    sums, checkpoint = folder / "SHA256SUMS", trained / "checkpoint.json"
    if not sums.exists() or sums.stat().st_mtime < checkpoint.stat().st_mtime:
        export(trained, folder)
    return FromGenerator(model=str(folder), name=name, guidance=[f"classifier_free:scale={scale:g}"], steps=10)


def drawn(study: Study, sources: Sequence[Source], folder: str, readers: Sequence[Reader | str] = ()) -> Table:
    """Draw and read what is missing below runs/studies; with --kept take what is there instead."""
    record, path = registry.record(study), STUDIES / folder
    if "--kept" in sys.argv:
        return Folder(path).table()
    for event in gather(study.probe(), sources, readers or study.read_by, path, study=record, command=_command()):
        if isinstance(event, Table):
            return event
        print(f"\r{folder}: {event.stage} {event.name} {event.done} of {event.total}   ", end="", flush=True)
    raise AssertionError


def reported(study: Study, table: Table, folder: str) -> list[str]:
    """Write a study's report page beside the pictures, and return its findings."""
    report = study.analyse(table)
    print("\n", write_report(STUDIES / folder, report, table, command=_command(), study=registry.record(study)))
    return list(report.findings)


def told(one: Estimate) -> dict[str, Any]:
    """Return an estimate as data, rounded."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in one.json().items()}


def coverage(name: str, study: Study, audits: int) -> list[dict[str, Any]]:
    """Return how often a study's intervals hold planted values."""
    found = []
    for event in selfcheck(name, study, audits=audits):
        if isinstance(event, Coverage):
            row = {"quantity": event.name, "truth": round(event.truth, 4), "covered": told(event.covered)}
            extra = {"bias": event.bias, "width": event.width}
            row |= {name: None if value is None else round(value, 4) for name, value in extra.items()}
            found.append({**row, "estimable": event.estimable, "verdict": event.verdict})
        else:
            print(f"\raudit {event.done} of {event.total}, {event.seconds:.0f} s   ", end="", flush=True)
    return found


def write(name: str, figures: Mapping[str, Any]) -> None:
    """Write results with this command; see benchmarks.record."""
    print(f"\n{record.write(name, {'command': _command(), **figures})}")


def _command() -> str:
    return " ".join(["python", "-m", f"benchmarks.studies.{Path(sys.argv[0]).stem}", *sys.argv[1:]])
