"""Painting with words: objects go where they are painted; what it costs in right pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.kit.intervals import paired, share
from benchmarks.steering.common import CFG, SHAPES, asked_for, drawn, each_seed
from limn.data.shapes import PLACES, Asked, read_all
from limn.kernel.prompt import Prompt, Region

CORNERS = [place for place in PLACES if place != "centre"]
STRENGTHS = (0.1, 0.2, 0.3, 0.5)


def paint(count: int) -> dict[str, Any]:
    asked, rng = each_seed("two", count), np.random.default_rng(0)
    places = [[CORNERS[k] for k in rng.choice(4, 2, replace=False)] for _ in asked]
    painted = [painting(want, where) for want, where in zip(asked, places, strict=True)]
    ways = {"strength 0": [CFG]}
    ways |= {f"strength {strength:g}": [CFG, f"paint_with_words:strength={strength}"] for strength in STRENGTHS}
    found, follow, whole = {}, {}, {}
    for name, one in drawn("paint", SHAPES, painted, ways).items():
        at = [{(thing.colour, thing.shape): thing.place for thing in read.objects} for read in read_all(one.pixels)]
        rows = list(zip(at, asked, places, strict=True))
        overlap = np.array([[read.get(thing) == place for thing, place in zip(asked_for(want), where, strict=True)]
                            for read, want, where in rows])  # fmt: skip
        whole[name] = np.array([set(asked_for(want)) <= set(read) for read, want, _ in rows])
        follow[name] = overlap.mean(1)
        found[name] = {
            "objects in their region": share(int(overlap.sum()), overlap.size),
            "both objects drawn": share(int(whole[name].sum()), len(asked)),
        }
    best = max(found, key=lambda name: follow[name].mean())
    return {
        "claim": "objects follow painted regions (a region and a cell are quarters, so overlap is 1 or 0)",
        "prompts": len(asked),
        "strengths": found,
        "best": best,
        "in region, best less unpainted": paired(follow[best], follow["strength 0"]),
        "both drawn, best less unpainted": paired(whole[best], whole["strength 0"]),
    }


def painting(want: Asked, places: Sequence[str]) -> Prompt:
    """Give each object of a prompt a quarter of the picture."""
    regions = []
    for (colour, shape), place in zip(asked_for(want), places, strict=True):
        row, column = (value / 32 for value in PLACES[place])
        regions.append(Region(words=f"{colour} {shape}", box=(column, row, column + 0.5, row + 0.5)))
    return Prompt(want.text, regions=tuple(regions))
