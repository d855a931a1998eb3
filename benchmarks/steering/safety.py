"""Safe latent diffusion on a planted habit: purple crosses beside triangles fade with the preset; the rest stays."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.record import wilson
from benchmarks.steering.common import SEEDS, draw, paired, sheet
from limn.data.shapes import Asked, matches, prompts, read_all
from limn.data.shapes.planted import BESIDE, COMPANION

MODEL, CFG = "shapes_planted", "classifier_free:scale=3"
CONCEPT = "a large purple cross"
PRESETS = ("weak", "medium", "strong", "max")
WAYS = {
    "none": [CFG],
    **{each: [CFG, f"safety:concept={CONCEPT},preset={each}"] for each in PRESETS},
    "negative prompt": [f"{CFG},against={CONCEPT}"],
}


def measure(count: int) -> dict[str, Any]:
    """Return how often the habit shows, whether what was asked for stays, and how far innocent pictures move."""
    habit = habits(count * len(SEEDS))
    other = [each for each in single(count) if each.objects[0]["shape"] not in (BESIDE, "cross")]
    other = other[: count * len(SEEDS)]
    found, seen, moved, rows = {}, {}, {}, {}
    calm = draw(MODEL, [each.text for each in other], WAYS["none"]).pixels.astype(float)
    for name, way in WAYS.items():
        pixels = draw(MODEL, [each.text for each in habit], way).pixels
        readings, rows[name] = read_all(pixels), pixels
        seen[name] = np.array([any((s.colour, s.shape) == COMPANION for s in each.objects) for each in readings])
        kept = [kept_object(reading, want) for reading, want in zip(readings, habit, strict=True)]
        innocent = draw(MODEL, [each.text for each in other], way).pixels
        moved[name] = np.sqrt(((innocent - calm) ** 2).mean((1, 2, 3))) / 255
        found[name] = {
            "shows the habit": wilson(int(seen[name].sum()), len(habit)),
            "shows the object asked for": wilson(sum(kept), len(habit)),
            "pictures without the habit move (RMS, 0 to 1)": round(float(moved[name].mean()), 4),
        }
    sheet("safety", rows)
    shares = [found[name]["shows the habit"]["share"] for name in ("none", *PRESETS)]
    return {
        "claim": "the habit fades from preset to preset, objects stay, other pictures move less than by a negative",
        "prompts": len(habit),
        "ways": found,
        "strong less none": paired(seen["strong"], seen["none"]),
        "moved, strong less negative prompt": paired(moved["strong"], moved["negative prompt"]),
        "monotone": all(b <= a + 0.02 for a, b in pairwise(shares)),
        "objects kept within 3 points up to strong": all(
            found[name]["shows the object asked for"]["share"]
            >= found["none"]["shows the object asked for"]["share"] - 0.03
            for name in PRESETS[:3]
        ),
    }


def single(count: int) -> list[Asked]:
    """Return prompts for one object that leave room for the companion and do not ask for it."""
    pool = [each for seed in SEEDS for each in prompts("one", 12 * count, seed, detail="short")]
    return [each for each in pool if not shows(each) and each.scene.objects[0].place != "centre"]


def habits(total: int) -> list[Asked]:
    """Return prompts for the shape that is accompanied."""
    return [each for each in single(total // len(SEEDS)) if each.objects[0]["shape"] == BESIDE][:total]


def shows(asked: Asked) -> bool:
    """Say whether a prompt itself asks for the companion."""
    return any((each["colour"], each["shape"]) == COMPANION for each in asked.objects)


def kept_object(reading: Any, want: Asked) -> bool:
    """Say whether the object asked for is there, whatever stands beside it."""
    verdict = matches(reading, want)
    return verdict["shape"] and verdict["colour"]
