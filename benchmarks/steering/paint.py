"""Painting with words: objects go where they are painted; what it costs in right pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.record import wilson
from benchmarks.steering.common import SEEDS, SHAPES, draw, paired, sheet
from limn.data.shapes import PLACES, Asked, prompts, read_all
from limn.kernel.prompt import Prompt, Region

CFG = "classifier_free:scale=3"
CORNERS = [place for place in PLACES if place != "centre"]
STRENGTHS = (0.1, 0.2, 0.3, 0.5)


def measure(count: int) -> dict[str, Any]:
    """Return the share of objects in their region and of pictures with both objects, for each strength."""
    asked = [each for seed in SEEDS for each in prompts("two", count, seed, detail="short")]
    rng = np.random.default_rng(0)
    places = [[CORNERS[k] for k in rng.choice(4, 2, replace=False)] for _ in asked]
    painted = [paint(want, where) for want, where in zip(asked, places, strict=True)]
    found, follow, whole, rows = {}, {}, {}, {}
    for strength in (0.0, *STRENGTHS):
        guidance = [CFG, f"paint_with_words:strength={strength}"] if strength else [CFG]
        pixels = draw(SHAPES, painted, guidance).pixels
        name = f"strength {strength:g}"
        readings, rows[name] = read_all(pixels), pixels
        overlap = np.array([overlaps(r, w, p) for r, w, p in zip(readings, asked, places, strict=True)])
        drawn = np.array(
            [objects_of(w) <= {(s.colour, s.shape) for s in r.objects} for r, w in zip(readings, asked, strict=True)]
        )
        follow[name], whole[name] = overlap.mean(1), drawn
        found[name] = {
            "objects in their region": wilson(int(overlap.sum()), overlap.size),
            "both objects drawn": wilson(int(drawn.sum()), len(asked)),
        }
    sheet("paint", rows)
    best = max(found, key=lambda name: follow[name].mean())
    return {
        "claim": "objects follow painted regions (a region and a cell are quarters, so overlap is 1 or 0)",
        "prompts": len(asked),
        "strengths": found,
        "best": best,
        "in region, best less unpainted": paired(follow[best], follow["strength 0"]),
        "both drawn, best less unpainted": paired(whole[best], whole["strength 0"]),
    }


def objects_of(want: Asked) -> set[tuple[str, str]]:
    """Return colour and shape of what was asked for."""
    return {(each["colour"], each["shape"]) for each in want.objects}


def paint(want: Asked, places: list[str]) -> Prompt:
    """Give each object of a prompt a quarter of the picture."""
    regions = []
    for thing, place in zip(want.objects, places, strict=True):
        row, column = (value / 32 for value in PLACES[place])
        words = f"{thing['colour']} {thing['shape']}"
        regions.append(Region(words=words, box=(column, row, column + 0.5, row + 0.5)))
    return Prompt(want.text, regions=tuple(regions))


def overlaps(reading: Any, want: Asked, places: list[str]) -> list[bool]:
    """Say of each object whether it stands in its quarter."""
    at = {(each.colour, each.shape): each.place for each in reading.objects}
    return [
        at.get((thing["colour"], thing["shape"])) == place for thing, place in zip(want.objects, places, strict=True)
    ]
