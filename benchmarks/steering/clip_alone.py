"""A guide that alone says what is drawn: the model hears no words, so nothing else decides the layout.

Noise-aware guides are to help where a clean guide is shown pictures that are not there yet, at high noise; that is
where objects are placed. Strengths as for the claim ``clip``.
"""

from __future__ import annotations

from typing import Any

from benchmarks.steering.clip import chosen, guided
from benchmarks.steering.common import SEEDS, WEAK, draw, mean, paired, sheet, there
from limn.data.shapes import prompts

SILENT = "classifier_free:scale=0"
WAYS = {
    "unguided": [SILENT],
    **guided({"clean": (1.0, 3.0, 10.0), "noise-aware": (3.0, 10.0, 30.0)}, [SILENT]),
}


def measure(count: int) -> dict[str, Any]:
    """Return how often the object is there that only the guide was told of."""
    asked = [each for seed in SEEDS for each in prompts("one", count // 2, seed, detail="short")]
    texts, good, rows = [each.text for each in asked], {}, {}
    for name, way in WAYS.items():
        rows[name] = draw(WEAK, texts, way).pixels
        good[name] = there(rows[name], asked)
        print(name, good[name].mean(), flush=True)
    sheet("clip-alone", rows)
    clean, noisy = (chosen(good, kind) for kind in ("clean", "noise-aware"))
    return {
        "claim": "where the guide alone says what is drawn, a noise-aware one draws it more often than a clean one",
        "prompts": len(asked),
        "object there": {name: mean(shares) for name, shares in good.items()},
        "clean, less unguided": paired(clean, good["unguided"]),
        "noise-aware, less clean": paired(noisy, clean),
    }
