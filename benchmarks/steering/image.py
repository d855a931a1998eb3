"""Image guidance: one strength gives one nearness to the guide for any number of steps; the paper's w does not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.steering.common import SEEDS, SHAPES, draw, mean, sheet
from limn.data.shapes import prompts, render
from limn.guidance.image import strength_from
from limn.kernel.prompt import Prompt

STEPS, STRENGTH, W = (5, 10, 20, 40), 1.0, 0.05
CFG = "classifier_free:scale=3"


def measure(count: int) -> dict[str, Any]:
    """Return the distance to the guide for each number of steps, by strength and by the paper's weight."""
    each_seed = max(8, count // 4)
    asked = [each for seed in SEEDS for each in prompts("one", each_seed, seed, detail="short")]
    shown = [render(each.scene) for seed in SEEDS for each in prompts("two", each_seed, seed + 100)]
    guided = [Prompt(want.text, (png(guide),)) for want, guide in zip(asked, shown, strict=True)]
    guides, found, rows = np.stack(shown).astype(float), {}, {"guide": np.stack(shown)}
    for steps in STEPS:
        for name, strength in (("strength", STRENGTH), ("the paper's w", strength_from(W, steps)), ("none", 0.0)):
            way = [CFG, f"image:strength={strength}"] if strength else [CFG]
            pixels = draw(SHAPES, guided, way, steps=steps).pixels
            rows[f"{name}, {steps} steps"] = pixels
            error = np.sqrt(((pixels - guides) ** 2).mean((1, 2, 3))) / 255
            found.setdefault(name, {})[str(steps)] = mean(error)
    sheet("image", rows)
    spread = {name: round(span(by), 4) for name, by in found.items()}
    return {
        "claim": "the distance to the guide depends less on the steps by strength than by the paper's weight",
        "pictures": len(asked),
        "strength": STRENGTH,
        "paper's w": W,
        "RMS distance to the guide, 0 to 1, by steps": found,
        "spread over the steps (largest less smallest mean)": spread,
        "holds": spread["strength"] < spread["the paper's w"] / 2,
    }


def span(by: dict[str, dict[str, float]]) -> float:
    """Return the largest less the smallest mean."""
    means = [each["mean"] for each in by.values()]
    return max(means) - min(means)


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    """Return a picture as the bytes of a PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
