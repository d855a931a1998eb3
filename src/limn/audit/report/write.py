"""A report on disk: the page for people, and the same as JSON for programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from limn.audit.report.page import STANDING, page
from limn.audit.report.parts import Report, Sheet
from limn.audit.table import Table
from limn.io.atomic import make_folder, write_bytes, write_json


def write(
    folder: Path,
    report: Report,
    table: Table,
    *,
    command: str = "",
    study: Mapping[str, Any] | None = None,
    made_by: str = "limn audit",
) -> Path:
    """Write ``report.html`` and ``report.json``, and return the page.

    Args:
        folder: Where.
        report: What was found.
        table: What it was found from.
        command: The command that reproduces it.
        study: Record of the study.
        made_by: The command that writes such pages.
    """
    make_folder(folder)
    known = dict(study or {})
    write_json(folder / "report.json", record(report, table, command=command, study=known))
    text = page(report, table, command=command, study=str(known.get("name", "")), made_by=made_by)
    write_bytes(folder / "report.html", text.encode())
    return folder / "report.html"


def record(
    report: Report, table: Table, *, command: str = "", study: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a report as JSON-ready data; of sheets only the counts."""
    sections = [{"title": section.title, "parts": list(map(_part, section.parts))} for section in report.sections]
    account = table.account() if table.rows else None
    return {
        "study": dict(study or {}),
        "command": command,
        "title": report.title,
        "question": report.question,
        "summary": list(report.summary),
        "findings": list(report.findings),
        "sections": sections,
        "caveats": [*report.caveats, *STANDING],
        "papers": list(report.papers),
        "tests": report.tests,
        "pictures": _plain(account),
        "models": _plain(table.sources),
        "readers": _plain(table.readers),
    }


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return {"kind": "paragraph", "text": part}
    if isinstance(part, Sheet):
        counts = {name: len(pictures) for name, pictures in part.groups.items()}
        return {"kind": "sheet", "title": part.title, "pictures": counts}
    return {"kind": type(part).__name__.lower(), **_plain(part)}


def _plain(value: Any) -> Any:
    """Turn dataclasses, arrays and numbers that JSON lacks into plain values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
