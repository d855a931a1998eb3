"""A report's findings, figures and listings as rounded data."""

from __future__ import annotations

from typing import Any

from limn.audit.report.parts import Figure, Figures, Listing, Report

__all__ = ["estimates"]


def estimates(report: Report) -> dict[str, Any]:
    """Return what a report estimates, by title, row and model."""
    found: dict[str, Any] = {"findings": list(report.findings)}
    for part in (part for section in report.sections for part in section.parts):
        if isinstance(part, Figures):
            rows: dict[str, Any] = {}
            for row in part.rows:
                rows.setdefault(row.name, {})[row.model or "all"] = _told(row)
            found[part.title] = {"note": part.note, **rows} if part.note else rows
        elif isinstance(part, Listing):
            found[part.title] = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    return found


def _told(row: Figure) -> dict[str, Any]:
    kept = {"value": row.value, "low": row.low, "high": row.high, "p": row.p, "of": row.readable}
    numbers = {name: float(f"{each:.4g}") for name, each in kept.items() if each is not None}
    return numbers | ({"note": row.note} if row.note else {})
