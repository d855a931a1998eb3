"""Composed prompts: AND draws both objects, NOT removes one."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.record import wilson
from benchmarks.steering.common import SEEDS, SHAPES, draw, paired, sheet
from limn.data.shapes import prompts, read_all

CFG = "classifier_free:scale=3"


def measure(count: int) -> dict[str, Any]:
    """Return how often both objects are there, and how often the unwanted one is, with and without."""
    asked = [each for seed in SEEDS for each in prompts("two", count // 2, seed, detail="short")]
    words = [each.text.split(" and ") for each in asked]
    both, one, rows = [], [], {"first only": [], "AND": [], "both asked": [], "both, NOT second": []}
    gone = []
    for place, (pair, want) in enumerate(zip(words, asked, strict=True)):
        ways = {
            "first only": (pair[0], [CFG]),
            "AND": (pair[0], [CFG, f"composed:prompts={pair[1]}"]),
            "both asked": (want.text, [CFG]),
            "both, NOT second": (want.text, [CFG, f"composed:prompts={pair[1]},weights=-1"]),
        }
        for name, (text, way) in ways.items():
            rows[name].append(draw(SHAPES, [text], way, seed=1000 + place).pixels[0])
    sees = {name: [pair_seen(pixels, want) for pixels, want in zip(rows[name], asked, strict=True)] for name in rows}
    both = {name: np.array([a and b for a, b in pairs]) for name, pairs in sees.items()}
    gone = {name: np.array([not b for _, b in pairs]) for name, pairs in sees.items()}
    one = {name: np.array([a for a, _ in pairs]) for name, pairs in sees.items()}
    sheet("composed", {name: np.stack(pixels) for name, pixels in rows.items()})
    total = len(asked)
    return {
        "claim": "AND draws both objects more often than one prompt; NOT removes the second and keeps the first",
        "prompts": total,
        "both objects": {name: wilson(int(each.sum()), total) for name, each in both.items()},
        "second object is absent": {name: wilson(int(each.sum()), total) for name, each in gone.items()},
        "first object is there": {name: wilson(int(each.sum()), total) for name, each in one.items()},
        "both, AND less first only": paired(both["AND"], both["first only"]),
        "absent, NOT less both asked": paired(gone["both, NOT second"], gone["both asked"]),
    }


def pair_seen(pixels: np.ndarray[Any, Any], want: Any) -> tuple[bool, bool]:
    """Say whether the first and the second object asked for are in the picture."""
    seen = {(each.colour, each.shape) for each in read_all(pixels[None])[0].objects}
    order = sorted(want.objects, key=lambda thing: want.text.index(f"{thing['colour']} {thing['shape']}"))
    first, second = ((thing["colour"], thing["shape"]) in seen for thing in order)
    return first, second
