"""Image guidance: one strength gives one nearness to the guide for any number of steps; the paper's w does not."""

from typing import Any

import numpy as np
from PIL import Image

from benchmarks.kit.drawing import draw
from benchmarks.kit.intervals import mean
from benchmarks.kit.sheets import rows
from benchmarks.steering.common import CFG, SEEDS, SHAPES, each_seed
from limn.data.shapes import prompts, render
from limn.guidance.image import strength_from
from limn.io.pictures import encode_png
from limn.kernel.prompt import Prompt

STEPS, STRENGTH, W = (5, 10, 20, 40), 1.0, 0.05


def image(count: int) -> dict[str, Any]:
    number = max(8, count // 4)
    asked = each_seed("one", number)
    guides = np.stack([render(want.scene) for seed in SEEDS for want in prompts("two", number, seed + 100)])
    guided = [
        Prompt(want.text, (encode_png(Image.fromarray(guide)),)) for want, guide in zip(asked, guides, strict=True)
    ]
    found: dict[str, dict[str, dict[str, float]]] = {}
    shown = {"guide": guides}
    for steps in STEPS:
        for name, strength in (("strength", STRENGTH), ("the paper's w", strength_from(W, steps)), ("none", 0.0)):
            way = [CFG, f"image:strength={strength}"] if strength else [CFG]
            pixels = shown[f"{name}, {steps} steps"] = draw(SHAPES, guided, guidance=way, steps=steps).pixels
            error = np.sqrt(((pixels - guides.astype(float)) ** 2).mean((1, 2, 3))) / 255
            found.setdefault(name, {})[str(steps)] = mean(error)
    rows("steering/image", shown)
    spread = {name: round(float(np.ptp([row["mean"] for row in by.values()])), 4) for name, by in found.items()}
    return {
        "claim": "the distance to the guide depends less on the steps by strength than by the paper's weight",
        "pictures": len(asked),
        "strength": STRENGTH,
        "paper's w": W,
        "RMS distance to the guide, 0 to 1, by steps": found,
        "spread over the steps (largest less smallest mean)": spread,
        "holds": spread["strength"] < spread["the paper's w"] / 2,
    }
