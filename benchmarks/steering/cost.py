"""Guiding part of the walk: rows saved by an interval or by stopping when the answers agree, and what is lost."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steering.common import SEEDS, WEAK, draw, mean, paired, sheet, there
from limn.data.shapes import prompts

FULL = "classifier_free:scale=3"
WAYS = {
    "all steps": FULL,
    "noise/signal 0.2 to 5": f"{FULL},low=0.2,high=5",
    "noise/signal 0.4 to 3": f"{FULL},low=0.4,high=3",
    "until cosine 0.9": f"{FULL},agree=0.9",
    "until cosine 0.97": f"{FULL},agree=0.97",
    "until cosine 0.99": f"{FULL},agree=0.99",
    "linear schedule": f"{FULL},schedule=linear",
    "cosine schedule": f"{FULL},schedule=cosine",
    "never": "classifier_free:scale=1",
}


def measure(count: int) -> dict[str, Any]:
    """Return rows, forwards, likeness to the full run and alignment for each way."""
    asked = [each for seed in SEEDS for each in prompts("two", count, seed, detail="short")]
    texts, found, rows = [each.text for each in asked], {}, {}
    drawn = {name: draw(WEAK, texts, [way]) for name, way in WAYS.items()}
    full = drawn["all steps"]
    good = there(full.pixels, asked)
    for name, each in drawn.items():
        rows[name] = each.pixels
        error = ((each.pixels.astype(float) - full.pixels) ** 2).mean((1, 2, 3)) / 255**2
        now = there(each.pixels, asked)
        found[name] = {
            "rows, share of all steps": round(each.rows / full.rows, 3),
            "forwards": each.forwards,
            "median PSNR to all steps, dB": None if name == "all steps" else round(psnr(error), 1),
            "objects there": mean(now),
            "objects there, less all steps": paired(now, good),
        }
    sheet("cost", rows)
    cheap = found["noise/signal 0.2 to 5"]
    return {
        "claim": "an interval or stopping at agreement saves rows at a loss of alignment of at most 5 points",
        "prompts": len(asked),
        "ways": found,
        "holds": cheap["rows, share of all steps"] < 0.9 and cheap["objects there, less all steps"]["low"] > -0.05,
    }


def psnr(error: np.ndarray[Any, Any]) -> float:
    """Return the median peak signal-to-noise ratio of mean squared errors."""
    return float(np.median(-10 * np.log10(np.maximum(error, 1e-12))))
