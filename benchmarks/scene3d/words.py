"""Attributes that held-out prompts ask for, by the exact reader of toys."""

from functools import partial
from typing import Any

import numpy as np

from benchmarks.kit.intervals import mean_share
from benchmarks.scene3d.common import MODEL, TOYS, drawn, remembered, seen, triplane_of
from limn.data.toys3d.captions import Asked, prompts
from limn.data.toys3d.dataset import load
from limn.data.toys3d.reader import CAMERAS, matches, read

NAMES = ("kind", "colour", "accent", "pattern", "parts", "all")


def measure(*, model: str = MODEL, count: int = 96, seeds: int = 3) -> dict[str, Any]:
    """Return the share of prompts that is obeyed, of held-out pairs of kind and colour and of learned ones.

    Intervals are over prompts; each prompt is drawn with all seeds.
    """
    right = {part: _right(model, part, count, seeds) for part in ("held_out", "learned")}
    return {
        "model": model, "prompts": count, "seeds": seeds, "right": right["held_out"],
        "right, pairs that were learned": right["learned"], "the reader on true toys": _reader(),
    }  # fmt: skip


def _right(model: str, part: str, count: int, seeds: int) -> dict[str, Any]:
    asked = prompts(count, part)
    rows: list[dict[str, list[bool]]] = [{} for _ in asked]
    for seed in range(seeds):
        drawn_now = partial(_drawn, model, asked, seed)
        parts = remembered("words", f"{part}-{count}-{seed}", drawn_now)
        for row, right in zip(rows, parts, strict=True):
            for name, value in right.items():
                row.setdefault(name, []).append(value)
    return {
        name: mean_share([float(np.mean(row[name])) for row in rows if name in row])
        for name in NAMES
        if any(name in row for row in rows)
    }


def _drawn(model: str, asked: list[Asked], seed: int) -> list[dict[str, bool]]:
    triplane, states = triplane_of(model), drawn(model, [one.text for one in asked], seed=1000 + 1000 * seed)
    views = np.stack([seen(triplane, states, camera)[0] for camera in CAMERAS], 1)
    return [
        {name: bool(right) for name, right in matches(read(own), one).items()}
        for own, one in zip(views, asked, strict=True)
    ]


def _reader() -> dict[str, Any]:
    """Return how often the reader is right on the held-out toys themselves, which bounds what it can find."""
    toys = load(TOYS, "held_out")
    readings = [read(views[: len(CAMERAS)]) for views in toys.pictures]
    right = {
        name: [getattr(one, name) == getattr(toy, name) for one, toy in zip(readings, toys.toys, strict=True)]
        for name in ("kind", "colour", "accent", "pattern")
    }
    return {name: mean_share([float(value) for value in values]) for name, values in right.items()}
