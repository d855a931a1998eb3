"""Structured guidance on a model that binds weakly: are attributes swapped less often? Paired, by McNemar's test."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from benchmarks.record import wilson
from benchmarks.steering.common import SEEDS, draw, paired, sheet
from limn.data.shapes import prompts, read_all

MODEL, CFG = "shapes_exchanged", "classifier_free:scale=3"
WAYS = {"plain": [CFG], "structured": [CFG, "structured"]}


def measure(count: int) -> dict[str, Any]:
    """Return how often the two objects are right, exchanged their colours, or one is missing."""
    pool = [each for seed in SEEDS for each in prompts("two", 2 * count, seed, detail="short")]
    asked = [
        each
        for each in pool
        if len({t["colour"] for t in each.objects}) == len({t["shape"] for t in each.objects}) == 2
    ]
    asked = asked[: count * len(SEEDS)]
    texts, found, rows = [each.text for each in asked], {}, {}
    verdicts = {}
    for name, way in WAYS.items():
        pixels = draw(MODEL, texts, way).pixels
        rows[name] = pixels
        verdicts[name] = [verdict(reading, want) for reading, want in zip(read_all(pixels), asked, strict=True)]
        found[name] = {
            kind: wilson(verdicts[name].count(kind), len(asked)) for kind in ("right", "swapped", "missing", "other")
        }
    sheet("structured", rows)
    swaps = {name: np.array([each == "swapped" for each in every]) for name, every in verdicts.items()}
    good = {name: np.array([each == "right" for each in every]) for name, every in verdicts.items()}
    fixed = int((swaps["plain"] & ~swaps["structured"]).sum())
    broken = int((~swaps["plain"] & swaps["structured"]).sum())
    p = float(stats.binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0
    return {
        "claim": "fewer attribute swaps with structured guidance (a small effect is expected)",
        "prompts": len(asked),
        "ways": found,
        "swaps undone": fixed,
        "swaps made": broken,
        "McNemar, exact, p": round(p, 5),
        "swapped, structured less plain": paired(swaps["structured"], swaps["plain"]),
        "right, structured less plain": paired(good["structured"], good["plain"]),
    }


def verdict(reading: Any, want: Any) -> str:
    """Say what became of two objects that differ in colour and in shape."""
    seen = {(each.colour, each.shape) for each in reading.objects}
    (c1, s1), (c2, s2) = ((each["colour"], each["shape"]) for each in want.objects)
    if {(c1, s1), (c2, s2)} <= seen:
        return "right"
    if {(c1, s2), (c2, s1)} & seen:
        return "swapped"
    return "missing" if len(reading.objects) < 2 else "other"
