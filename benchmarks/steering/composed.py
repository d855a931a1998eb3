"""Composed prompts: AND draws both objects, NOT removes one; on two models, with and without places.

The shapes model has only seen captions that name all objects, so "a red circle" says that nothing else is there;
``shapes_partial`` has seen captions that leave objects out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.kit.drawing import Pixels, draw
from benchmarks.kit.intervals import paired, shares
from benchmarks.kit.sheets import rows
from benchmarks.steering.common import CFG, SHAPES, asked_for, each_seed, objects
from limn.data.shapes import Asked

PARTIAL = "shapes_partial"


def composed(count: int) -> dict[str, Any]:
    asked = each_seed("two", count // 2)
    pictures: dict[str, list[Pixels]] = {}
    for place, want in enumerate(asked):
        for name, (model, text, guidance) in ways(want).items():
            pixels = draw(model, [text], guidance=guidance, seed=1000 + place).pixels[0]
            pictures.setdefault(name, []).append(pixels)
    rows("steering/composed", pictures)
    seen = {
        name: np.array([[thing in read for thing in in_order(want)]
                        for read, want in zip(objects(np.stack(pixels)), asked, strict=True)])
        for name, pixels in pictures.items()
    }  # fmt: skip
    both = {name: pairs.all(1) for name, pairs in seen.items()}
    gone = {name: ~pairs[:, 1] for name, pairs in seen.items()}
    return {
        "claim": "AND draws both objects more often than one prompt; NOT removes the second and keeps the first",
        "prompts": len(asked),
        "ways": {
            name: shares(both_objects=both[name], first_is_there=pairs[:, 0], second_is_absent=gone[name])
            for name, pairs in seen.items()
        },
        "captions name all: both, AND less first only": paired(both["AND"], both["first only"]),
        "captions name all: both, AND with places less first only": paired(
            both["AND, with places"], both["first only"]
        ),
        "captions name some: both, AND less first only": paired(both["some: AND"], both["some: first only"]),
        "captions name some: both, AND less both asked": paired(both["some: AND"], both["some: both asked"]),
        "absent, NOT less both asked": paired(gone["both, NOT second"], gone["both asked"]),
    }


def ways(want: Asked) -> Mapping[str, tuple[str, str, list[str]]]:
    """Return model, prompt and guidances of each way to ask for two objects."""
    where = {(thing.colour, thing.shape): thing.place for thing in want.scene.objects}
    one, two = want.text.split(" and ")
    first, second = (f"{text} at the {where[thing]}" for text, thing in zip((one, two), in_order(want), strict=True))
    also, placed = f"composed:prompts={two}", f"composed:prompts={second}"
    return {
        "first only": (SHAPES, one, [CFG]),
        "AND": (SHAPES, one, [CFG, also]),
        "AND, with places": (SHAPES, first, [CFG, placed]),
        "both asked": (SHAPES, want.text, [CFG]),
        "both, NOT second": (SHAPES, want.text, [CFG, f"{also},weights=-1"]),
        "some: first only": (PARTIAL, one, [CFG]),
        "some: AND": (PARTIAL, one, [CFG, also]),
        "some: AND, with places": (PARTIAL, first, [CFG, placed]),
        "some: both asked": (PARTIAL, want.text, [CFG]),
    }


def in_order(want: Asked) -> list[tuple[str, str]]:
    """Return the objects asked for in the order of the prompt."""
    return sorted(asked_for(want), key=lambda thing: want.text.index(" ".join(thing)))
