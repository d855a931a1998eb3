"""From rows of prompts and options to requests: by seed, by negative prompt, by cell of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from limn.kernel.errors import InputError
from limn.kernel.request import Request
from limn.studio.axes import Axis
from limn.studio.grids import cells
from limn.text import wildcards
from limn.text.pictures import pictured
from limn.text.reading import latin, own_regions, painted

Row = Mapping[str, Any]
"""A :class:`limn.kernel.prompt.Prompt` under ``prompt``, and what only it says: ``seed``, ``negative``."""


def requests(rows: Sequence[Row], asked: Mapping[str, Any], axes: Sequence[Axis | None] = ()) -> list[Request]:
    """Return one request for all prompts with the same seed and negative prompt, in order; or those of a grid.

    Args:
        rows: Prompts.
        asked: Options of a request.
        axes: What changes from left to right and from top to bottom.

    Raises:
        InputError: If a value cannot be used.
    """
    base = painted(pictured(Request.of([row["prompt"] for row in rows], asked)))
    groups: dict[tuple[tuple[str, Any], ...], list[Any]] = {}
    for row, prompt in zip(rows, base.prompts, strict=True):
        own = tuple((name, value) for name, value in row.items() if name != "prompt")
        groups.setdefault(own, []).append(prompt)
    result = [latin(replace(base, prompts=tuple(prompts), **dict(own))) for own, prompts in groups.items()]
    if any(axes):
        if len(result) > 1:
            raise InputError("grid: the prompts have seeds or negative prompts of their own; give one for all")
        result = [latin(request) for request in cells(result[0], *axes)]
    return own_regions(result)


def decided(rows: Sequence[Row], n: int, seed: int, folder: Path | None = None) -> tuple[list[Row], int]:
    """Make the choices of prompts that leave some (:mod:`limn.text.wildcards`), anew for each of their pictures.

    Args:
        rows: Prompts.
        n: Pictures for each.
        seed: Of the first one, where a row names none.
        folder: Lists of a person's own, before those that limn brings.

    Returns:
        Rows, and pictures for each: where there was something to choose, a row for each picture with its seed.

    Raises:
        InputError: If a list is missing or leads back to itself.
    """
    if not any(wildcards.has_choices(row["prompt"].text) for row in rows):
        return list(rows), n
    Request.of("", {"n": n, "seed": seed})  # refuses numbers that are not allowed
    folders = [*([folder] if folder else []), wildcards.SHIPPED]
    made: list[Row] = []
    for row in rows:
        for place in range(n):
            own = int(row.get("seed", seed)) + place
            text = wildcards.decide(row["prompt"].text, own, folders)
            made.append({**row, "prompt": row["prompt"].saying(text), "seed": own})
    return made, 1
