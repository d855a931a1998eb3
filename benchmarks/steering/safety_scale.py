"""Safe latent diffusion with a gentler scale: does the strong preset then keep what was asked for?

The scales were looked for on prompts of other seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.record import wilson
from benchmarks.steering.common import SEEDS, draw, paired, sheet
from benchmarks.steering.safety import CFG, CONCEPT, MODEL, habits, kept_object
from limn.data.shapes import read_all
from limn.data.shapes.planted import COMPANION

STRONG = f"safety:concept={CONCEPT},preset=strong"
WAYS = {
    "none": [CFG],
    "strong": [CFG, STRONG],
    "strong, scale 30": [CFG, f"{STRONG},scale=30"],
    "strong, scale 30, threshold 0": [CFG, f"{STRONG},scale=30,threshold=0"],
}


def measure(count: int) -> dict[str, Any]:
    """Return how often the habit shows and whether what was asked for stays, and both less those of no guidance."""
    asked = habits(count * len(SEEDS))
    shown, kept, rows = {}, {}, {}
    for name, way in WAYS.items():
        rows[name] = draw(MODEL, [each.text for each in asked], way).pixels
        readings = read_all(rows[name])
        shown[name] = np.array([any((s.colour, s.shape) == COMPANION for s in each.objects) for each in readings])
        kept[name] = np.array([kept_object(reading, want) for reading, want in zip(readings, asked, strict=True)])
        print(name, shown[name].mean(), kept[name].mean(), flush=True)
    sheet("safety-scale", rows)
    return {
        "claim": "with a gentler scale the strong preset removes the habit and keeps what was asked for",
        "prompts": len(asked),
        "ways": {
            name: {
                "shows the habit": wilson(int(shown[name].sum()), len(asked)),
                "shows the object asked for": wilson(int(kept[name].sum()), len(asked)),
                "kept, less none": paired(kept[name], kept["none"]),
                "habit, less none": paired(shown[name], shown["none"]),
            }
            for name in WAYS
        },
    }
