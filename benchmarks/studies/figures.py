"""A report's findings, figures and listings as rounded data; its sheets as pictures for the pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from limn.audit.report.parts import Figure, Figures, Listing, Report, Sheet

__all__ = ["estimates", "picture"]

PICTURES = Path(__file__).parents[2] / "docs" / "pictures" / "audits"


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


def picture(name: str, sheets: Sequence[Sheet], *, scale: int = 2, label: int = 150) -> None:
    """Write ``docs/pictures/audits/NAME.webp``: a labelled row for each group of each sheet."""
    rows = [
        (f"{sheet.title.partition(':')[0]}, {group}" if len(sheets) > 1 else group, list(pictures)[: sheet.most])
        for sheet in sheets
        for group, pictures in sheet.groups.items()
    ]
    side, most = rows[0][1][0].shape[0] * scale, max(len(each) for _, each in rows)
    image = Image.new("RGB", (label + most * (side + 4), len(rows) * (side + 4)), "white")
    pen = ImageDraw.Draw(image)
    for k, (text, pictures) in enumerate(rows):
        pen.text((4, k * (side + 4) + side // 2 - 6), text, fill="black")
        for column, each in enumerate(pictures):
            tile = Image.fromarray(each).resize((side, side), Image.Resampling.NEAREST)
            image.paste(tile, (label + column * (side + 4), k * (side + 4)))
    PICTURES.mkdir(parents=True, exist_ok=True)
    image.save(PICTURES / f"{name}.webp", quality=80, method=6)


def _told(row: Figure) -> dict[str, Any]:
    kept = {"value": row.value, "low": row.low, "high": row.high, "p": row.p, "of": row.readable}
    numbers = {name: float(f"{each:.4g}") for name, each in kept.items() if each is not None}
    return numbers | ({"note": row.note} if row.note else {})
