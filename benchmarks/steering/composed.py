"""Composed prompts: AND draws both objects, NOT removes one; on two models, with and without places.

The shapes model has only seen captions that name all objects, so "a red circle" says that nothing else is there;
``shapes_partial`` has seen captions that leave objects out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.record import wilson
from benchmarks.steering.common import SEEDS, SHAPES, Pixels, draw, paired, sheet
from limn.data.shapes import Asked, prompts, read_all

CFG = "classifier_free:scale=3"
PARTIAL = "shapes_partial"
Way = tuple[str, str, list[str]]


def measure(count: int) -> dict[str, Any]:
    """Return how often both objects are there, and how often the unwanted one is, with and without."""
    asked = [each for seed in SEEDS for each in prompts("two", count // 2, seed, detail="short")]
    rows: dict[str, list[Pixels]] = {}
    for place, want in enumerate(asked):
        for name, (model, text, guidance) in ways(want).items():
            rows.setdefault(name, []).append(draw(model, [text], guidance, seed=1000 + place).pixels[0])
    sees = {name: [pair_seen(pixels, want) for pixels, want in zip(rows[name], asked, strict=True)] for name in rows}
    both = {name: np.array([a and b for a, b in pairs]) for name, pairs in sees.items()}
    gone = {name: np.array([not b for _, b in pairs]) for name, pairs in sees.items()}
    first = {name: np.array([a for a, _ in pairs]) for name, pairs in sees.items()}
    sheet("composed", {name: np.stack(pixels) for name, pixels in rows.items()})
    return {
        "claim": "AND draws both objects more often than one prompt; NOT removes the second and keeps the first",
        "prompts": len(asked),
        "ways": {
            name: {
                "both objects": share(both[name]),
                "first is there": share(first[name]),
                "second is absent": share(gone[name]),
            }
            for name in rows
        },
        "captions name all: both, AND less first only": paired(both["AND"], both["first only"]),
        "captions name all: both, AND with places less first only": paired(
            both["AND, with places"], both["first only"]
        ),
        "captions name some: both, AND less first only": paired(both["some: AND"], both["some: first only"]),
        "captions name some: both, AND less both asked": paired(both["some: AND"], both["some: both asked"]),
        "absent, NOT less both asked": paired(gone["both, NOT second"], gone["both asked"]),
    }


def ways(want: Asked) -> Mapping[str, Way]:
    """Return model, prompt and guidances of each way to ask for two objects."""
    one, two = want.text.split(" and ")
    first, second = (f"{text} at the {place}" for text, place in zip((one, two), places(want), strict=True))
    return {
        "first only": (SHAPES, one, [CFG]),
        "AND": (SHAPES, one, [CFG, f"composed:prompts={two}"]),
        "AND, with places": (SHAPES, first, [CFG, f"composed:prompts={second}"]),
        "both asked": (SHAPES, want.text, [CFG]),
        "both, NOT second": (SHAPES, want.text, [CFG, f"composed:prompts={two},weights=-1"]),
        "some: first only": (PARTIAL, one, [CFG]),
        "some: AND": (PARTIAL, one, [CFG, f"composed:prompts={two}"]),
        "some: AND, with places": (PARTIAL, first, [CFG, f"composed:prompts={second}"]),
        "some: both asked": (PARTIAL, want.text, [CFG]),
    }


def in_order(want: Asked) -> list[Mapping[str, str]]:
    """Return the objects asked for in the order of the prompt."""
    return sorted(want.objects, key=lambda thing: want.text.index(f"{thing['colour']} {thing['shape']}"))


def places(want: Asked) -> list[str]:
    """Return where the scene that the prompt was made from has each object, in the order of the prompt."""
    where = {(thing.colour, thing.shape): thing.place for thing in want.scene.objects}
    return [where[thing["colour"], thing["shape"]] for thing in in_order(want)]


def share(values: Sequence[bool] | np.ndarray[Any, Any]) -> dict[str, float]:
    """Return a share with its interval."""
    return wilson(int(np.sum(values)), len(values))


def pair_seen(pixels: Pixels, want: Asked) -> tuple[bool, bool]:
    """Say whether the first and the second object asked for are in the picture."""
    seen = {(each.colour, each.shape) for each in read_all(pixels[None])[0].objects}
    first, second = ((thing["colour"], thing["shape"]) in seen for thing in in_order(want))
    return first, second
