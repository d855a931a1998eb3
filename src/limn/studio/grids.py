"""X/Y grids: one cell for each pair of values, on one labelled sheet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from limn.io.atomic import make_folder
from limn.io.pictures import read_picture
from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.request import Request
from limn.kernel.runner import Ledger
from limn.provenance.seal import Seal
from limn.store import Store
from limn.store import grid as contact_sheet
from limn.studio.axes import Axis, Value
from limn.studio.drawing import Drawn, Event, Kept, generate, write_signed

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_CELLS: Final = 400
MAX_SIDE: Final = 20_000  # pixels of a sheet
FONT: Final = 12  # pixels
LONGEST: Final = 180  # pixels of a label; longer ones are cut
GAP: Final = 4


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A finished grid.

    Args:
        path: The labelled sheet.
        cells: Files of the pictures of each cell, row by row.
    """

    path: Path
    cells: tuple[tuple[Path, ...], ...]


def grid(
    generator: Generator,
    request: Request,
    store: Store,
    *,
    x: Axis | str | None = None,
    y: Axis | str | None = None,
    device: str = "cpu",
    batch: int | None = None,
    max_rows: int | None = None,
    ledger: Ledger | None = None,
) -> Iterator[Event | Grid]:
    """Draw every pair of values into a store, where existing pictures are kept, and lay them out with labels.

    Args:
        generator: The model.
        request: What all cells have in common, the seed among it; it need not be complete.
        store: Where pictures and the sheet go.
        x: What changes from left to right.
        y: What changes from top to bottom.
        device: Where the model runs, for the record.
        batch: Pictures drawn together.
        max_rows: Most rows in one forward pass.
        ledger: Where forwards are noted.

    Yields:
        What happens in every cell, and the finished grid at last.

    Raises:
        InputError: If an axis or a value cannot be used; found out before anything is drawn.
    """
    across, down = (Axis.parse(axis) if isinstance(axis, str) else axis for axis in (x, y))
    requests = [generator.complete(cell) for cell in cells(request, across, down)]
    files: list[tuple[Path, ...]] = []
    for asked in requests:
        files_of_cell: dict[int, Path] = {}
        for event in generate(generator, asked, store, device=device, batch=batch, max_rows=max_rows, ledger=ledger):
            if isinstance(event, Kept):
                files_of_cell[event.item.index] = event.path
            elif isinstance(event, Drawn):
                files_of_cell[event.picture.item.index] = event.path
            yield event
        files.append(tuple(path for _, path in sorted(files_of_cell.items())))
    yield Grid(path=compose(store, files, across, down), cells=tuple(files))


def cells(request: Request, x: Axis | None, y: Axis | None) -> list[Request]:
    """Return the request of every cell, row by row.

    Raises:
        InputError: If there are too many.
    """
    across, down = _values(x), _values(y)
    if len(across) * len(down) > MAX_CELLS:
        raise InputError(f"grid: {len(across)} x {len(down)} cells; at most {MAX_CELLS} are drawn, leave values out")
    return [change(other(request)) for _, other in down for _, change in across]


def compose(
    store: Store, files: Sequence[Sequence[Path]], x: Axis | None, y: Axis | None, *, seal: Seal | None = None
) -> Path:
    """Write the labelled sheet of a grid into the store, and return its file.

    Args:
        store: Where it goes, as ``grids/<hash of its pictures and labels>.png``.
        files: Pictures of each cell, row by row; several are laid out as a sheet of their own.
        x: The axis from left to right.
        y: The axis from top to bottom.
        seal: How it is signed; not at all if None.

    Raises:
        InputError: If the sheet would be too large.
        StoreError: If a file cannot be read or written.
    """
    columns, rows = ([label for label, _ in _values(axis)] for axis in (x, y))
    names = [[f"{path.parent.name}/{path.name}" for path in cell] for cell in files]
    record: dict[str, Any] = {"grid": {"columns": columns, "rows": rows, "cells": names}}
    key = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    sheet = _sheet([_cell(cell) for cell in files], columns, rows)
    path = check_unlinked(store.root, store.root / "grids" / f"{key[:16]}.png")
    make_folder(path.parent)
    write_signed(path, np.asarray(sheet), record, seal)
    return path


def _values(axis: Axis | None) -> tuple[Value, ...]:
    return axis.values if axis is not None else (("", lambda request: request),)


def _cell(files: Sequence[Path]) -> Image | None:
    images = [read_picture(path) for path in files]
    return contact_sheet(images) if images else None


def _sheet(pictures: Sequence[Image | None], columns: Sequence[str], rows: Sequence[str]) -> Image:
    """Lay the cells out with labels above the columns and left of the rows; a cell may be empty."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(FONT)
    above, beside = ([_cut(label, font) for label in labels] for labels in (columns, rows))
    drawn = [picture for picture in pictures if picture is not None]
    width = max([each.width for each in drawn] + [round(font.getlength(each)) for each in above]) + GAP
    height = max([picture.height for picture in drawn] + [FONT]) + GAP
    left = max(round(font.getlength(label)) for label in beside) + (GAP if any(beside) else 0)
    top = FONT + 2 * GAP if any(above) else 0
    size = (left + len(columns) * width + GAP, top + len(rows) * height + GAP)
    if max(size) > MAX_SIDE:
        raise InputError(
            f"grid: the sheet would be {size[0]} x {size[1]} pixels; draw fewer cells or smaller pictures"
        )
    sheet = Image.new("RGB", size, (255, 255, 255))
    pen = ImageDraw.Draw(sheet)
    for place, text in enumerate(above):
        pen.text((left + GAP + place * width + (width - GAP) // 2, GAP), text, (0, 0, 0), font, anchor="ma")
    for place, text in enumerate(beside):
        pen.text((left, top + GAP + place * height + (height - GAP) // 2), text, (0, 0, 0), font, anchor="rm")
    for place, picture in enumerate(pictures):
        row, column = divmod(place, len(columns))
        if picture is not None:
            x = left + GAP + column * width + (width - GAP - picture.width) // 2
            sheet.paste(picture, (x, top + GAP + row * height + (height - GAP - picture.height) // 2))
    return sheet


def _cut(text: str, font: Any) -> str:
    """Return as much of a label as there is room for."""
    text = " ".join(text[:400].split())
    if font.getlength(text) <= LONGEST:
        return text
    while text and font.getlength(f"{text}…") > LONGEST:
        text = text[:-1]
    return f"{text}…"
