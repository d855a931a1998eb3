"""Sheets of 8 x 8 pictures in each style, and the sheet of failures; prompt k with seed k, none chosen by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchmarks.kit.drawing import draw
from benchmarks.kit.results import picture
from benchmarks.kit.run import run
from benchmarks.kit.sheets import captioned, small
from PIL import Image

from limn.data.split import STYLES
from limn.models.judges import judge
from limn.models.upsampler import upsampler
from limn.store.sheet import grid

PROMPTS = (
    "a smiling face", "a crying face", "a face with sunglasses", "a robot face", "a clown face", "a ghost",
    "a pumpkin", "a red heart", "a woman firefighter with dark skin", "a man cook with light skin",
    "a woman doctor with medium skin", "a man farmer with dark skin", "a woman astronaut", "a man judge",
    "an old woman", "a mage", "a dog", "a cat", "a panda", "a frog", "a fish", "a bird", "a butterfly",
    "an elephant",
    "a red apple", "a slice of pizza", "a banana", "a hamburger", "a birthday cake", "a carrot", "a cup of coffee",
    "a bunch of grapes", "a house", "a castle", "a rocket", "a blue car", "an airplane", "a sailboat", "a bicycle",
    "a train", "the sun", "a crescent moon", "a rainbow", "a cloud with rain", "a snowman", "a cactus",
    "a palm tree", "a sunflower", "a key", "an umbrella", "a book", "a clock", "a guitar", "a camera", "a hammer",
    "a light bulb", "a soccer ball", "a trophy", "a crown", "a gem stone", "a red apple to the left of a dog",
    "a cat above a red heart", "a banana to the right of a house", "a small star above a big moon",
)  # fmt: skip


def measure(*, steps: int | None = None) -> dict[str, Any]:
    """Draw ``docs/pictures/sheet_STYLE.webp`` and ``failures.webp``; count which pictures find their prompt."""
    drawn = {style: draw("emoji", PROMPTS, seed=0, style=style, steps=steps).pixels for style in STYLES}
    pictures, enlarge = np.concatenate(list(drawn.values())), upsampler().enlarge
    large = [Image.fromarray(enlarge(pixels)) for pixels in pictures]
    names = [f"sheet_{style}.webp" for style in STYLES]
    for place, name in enumerate(names):
        start = place * len(PROMPTS)
        small(grid(large[start : start + len(PROMPTS)], 8, gap=0), picture(f"pictures/{name}"))
    close = judge("judge_b").similarity(pictures, list(PROMPTS)).numpy()
    rows, own = np.arange(len(pictures)), np.tile(np.arange(len(PROMPTS)), len(STYLES))
    mine = close[rows, own]
    close[rows, own] = -1
    worst = np.argsort(mine - close.max(1), kind="stable")[:64].tolist()
    failures = [captioned(large[place], PROMPTS[own[place]][:44]) for place in worst]
    small(grid(failures, 8, gap=0), picture("pictures/failures.webp"))
    return {
        "prompts": list(PROMPTS),
        "pictures": len(own),
        "judge": "judge_b",
        "found among the sheet's own 64 prompts": int((mine > close.max(1)).sum()),
        "failures shown": "the 64 whose own prompt is furthest behind the best other one, worst first",
        "bytes": {name: picture(f"pictures/{name}").stat().st_size for name in sorted([*names, "failures.webp"])},
    }


if __name__ == "__main__":
    run(measure, quick={"steps": 1})
