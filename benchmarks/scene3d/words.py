"""Attributes that held-out prompts ask for, by the exact reader of toys."""

from functools import partial
from typing import Any, Literal

import numpy as np
import torch

from benchmarks.kit.intervals import mean_share
from benchmarks.scene3d.common import MODEL, TOYS, drawn, remembered, seen, triplane_of
from limn.data.toys3d.captions import Asked, prompts
from limn.data.toys3d.dataset import load
from limn.data.toys3d.reader import CAMERAS, matches, read

COMPOSED = "composed:prompts=a {colour} thing,weights=0.5"
"""Asks for a prompt's colour once more; its weight was chosen on a sixth of the pictures that are measured."""

NAMES = ("kind", "colour", "accent", "pattern", "parts", "all")


def measure(*, model: str = MODEL, count: int = 96, seeds: int = 3) -> dict[str, Any]:
    """Return the share of prompts that is obeyed, of held-out pairs of kind and colour and of learned ones.

    Held-out pairs are drawn a second time with their colour asked for once more (:data:`COMPOSED`). Intervals are
    over prompts; each prompt is drawn with all seeds.
    """
    return {
        "model": model, "prompts": count, "seeds": seeds,
        "right": _right(model, "held_out", count, seeds),
        "composed": COMPOSED,
        "right, composed": _right(model, "held_out", count, seeds, COMPOSED),
        "right, pairs that were learned": _right(model, "learned", count, seeds),
        "the reader on true toys": _reader(),
    }  # fmt: skip


def _right(
    model: str, part: Literal["held_out", "learned"], count: int, seeds: int, guide: str = ""
) -> dict[str, Any]:
    asked = prompts(count, part)
    rows: list[dict[str, list[bool]]] = [{} for _ in asked]
    for seed in range(seeds):
        drawn_now = partial(_drawn, model, asked, seed, guide)
        name = f"{part}-{count}-{seed}" + ("-composed" if guide else "")
        parts = remembered("words", name, drawn_now)
        for row, right in zip(rows, parts, strict=True):
            for name, value in right.items():
                row.setdefault(name, []).append(value)
    return {
        name: mean_share([float(np.mean(row[name])) for row in rows if name in row])
        for name in NAMES
        if any(name in row for row in rows)
    }


def _drawn(model: str, asked: list[Asked], seed: int, guide: str) -> list[dict[str, bool]]:
    triplane, states = triplane_of(model), {}
    # A request has one guidance for all its prompts.
    for guidance in dict.fromkeys(guide.format(colour=one.colour) for one in asked):
        places = [place for place, one in enumerate(asked) if guide.format(colour=one.colour) == guidance]
        texts = [asked[place].text for place in places]
        states |= dict(zip(places, drawn(model, texts, 1000 + 1000 * seed, guidance), strict=True))
    found = torch.stack([states[place] for place in range(len(asked))])
    views = np.stack([seen(triplane, found, camera)[0] for camera in CAMERAS], 1)
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
