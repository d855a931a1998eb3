"""Art guidance on the emoji model: pictures approach a text target, a picture target and both, by another judge."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.steering.common import draw, mean, paired, sheet
from limn.models.judges import judge

PROMPT, TEXT = "a smiling face", "a red heart"
TARGET = "a green apple"  # what the picture target shows: drawn by the model itself, with a seed of its own
CFG = "classifier_free:scale=2"


def measure(count: int) -> dict[str, Any]:
    """Return how near pictures come to each target, by the judge that does not guide."""
    prompts, one, rows, near = [PROMPT] * count, judge("judge_b"), {}, {}
    target = draw("emoji", [TARGET], [CFG], seed=77).pixels[0]
    text, picture = one.texts([TEXT])[0], one.images(target[None])[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target.png"
        Image.fromarray(target).save(path)
        ways = {
            "none": [CFG],
            "text": [CFG, f"art:texts={TEXT}"],
            "picture": [CFG, f"art:pictures={path}"],
            "both": [CFG, f"art:texts={TEXT},pictures={path}"],
        }
        for name, way in ways.items():
            pixels = draw("emoji", prompts, way).pixels
            seen, rows[name] = one.images(pixels), pixels
            near[name] = {"text": (seen @ text).double().numpy(), "picture": (seen @ picture).double().numpy()}
    sheet("art", {**rows, "picture target": np.stack([target])}, scale=1)
    gains = {
        f"{way}: nearer to the {goal} target": paired(near[way][goal], near["none"][goal])
        for way in ("text", "picture", "both")
        for goal in ("text", "picture")
    }
    return {
        "claim": "with both targets pictures come nearer to both than without, by the judge that did not guide",
        "pictures": count,
        "prompt": PROMPT,
        "text target": TEXT,
        "picture target": TARGET,
        "cosine": {way: {goal: mean(values) for goal, values in goals.items()} for way, goals in near.items()},
        "gains": gains,
        "holds": all(gains[f"both: nearer to the {goal} target"]["low"] > 0 for goal in ("text", "picture")),
    }
