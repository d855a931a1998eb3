"""Art guidance on the emoji model: pictures approach a text target, a picture target and both, by another judge."""

import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.kit.drawing import draw
from benchmarks.kit.intervals import mean, paired
from benchmarks.kit.judging import vectors
from benchmarks.steering.common import drawn
from limn.models.judges import judge

PROMPT, TEXT = "a smiling face", "a red heart"
TARGET = "a green apple"  # what the picture target shows: drawn by the model itself, with a seed of its own
FREE, GOALS = "classifier_free:scale=2", ("text", "picture")


def art(count: int) -> dict[str, Any]:
    one, target = judge("judge_b"), draw("emoji", [TARGET], guidance=[FREE], seed=77).pixels
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target.png"
        Image.fromarray(target[0]).save(path)
        ways = {
            "none": [FREE],
            "text": [FREE, f"art:texts={TEXT}"],
            "picture": [FREE, f"art:pictures={path}"],
            "both": [FREE, f"art:texts={TEXT},pictures={path}"],
        }
        pictures = drawn("art", "emoji", [PROMPT] * count, ways, scale=1, target=target)
    goals = dict(zip(GOALS, (one.texts([TEXT])[0].double().numpy(), vectors(one, target)[0]), strict=True))
    near = {
        way: {goal: vectors(one, drawing.pixels) @ vector for goal, vector in goals.items()}
        for way, drawing in pictures.items()
    }
    gains = {
        f"{way}: nearer to the {goal} target": paired(near[way][goal], near["none"][goal])
        for way in ("text", "picture", "both")
        for goal in GOALS
    }
    return {
        "claim": "with both targets pictures come nearer to both than without, by the judge that did not guide",
        "pictures": count,
        "prompt": PROMPT,
        "text target": TEXT,
        "picture target": TARGET,
        "cosine": {way: {goal: mean(values) for goal, values in by.items()} for way, by in near.items()},
        "gains": gains,
        "holds": all(gains[f"both: nearer to the {goal} target"]["low"] > 0 for goal in GOALS),
    }
