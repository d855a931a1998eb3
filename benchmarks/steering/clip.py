"""CLIP guidance pleases its own guide; an independent reader prefers classifier-free; noise-aware beats clean."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steering.common import SEEDS, WEAK, draw, mean, paired, sheet, there
from limn.data.shapes import prompts
from limn.models.judges import judge

CLEAN, NOISY = "shapes_guide", "shapes_guide_noisy"
WAYS = {
    "unguided": [],
    "classifier-free 3": ["classifier_free:scale=3"],
    **{f"clean guide, {s:g}": [f"clip:guide={CLEAN},scale={s}"] for s in (0.3, 1.0, 3.0)},
    **{f"noise-aware guide, {s:g}": [f"clip:guide={NOISY},noisy=true,scale={s}"] for s in (0.3, 1.0, 3.0)},
}


def measure(count: int) -> dict[str, Any]:
    """Return each way's share of right pictures and its score by the guide."""
    asked = [each for seed in SEEDS for each in prompts("two", count // 2, seed, detail="short")]
    texts, found, good, score, rows = [each.text for each in asked], {}, {}, {}, {}
    guide = judge(CLEAN)
    words = guide.texts(texts)
    for name, way in WAYS.items():
        pixels = draw(WEAK, texts, way).pixels
        rows[name], good[name] = pixels, there(pixels, asked)
        score[name] = (guide.images(pixels) * words).sum(1).double().numpy()
        found[name] = {
            "objects there (exact reader)": mean(good[name]),
            "cosine by the clean guide": round(float(score[name].mean()), 4),
        }
    sheet("clip", rows)
    clean, noisy = (best(found, good, kind) for kind in ("clean", "noise-aware"))
    keen = max((name for name in WAYS if name.startswith("clean")), key=lambda name: score[name].mean())
    return {
        "claim": "the guide's own score rises; the exact reader prefers classifier-free; noise-aware beats clean",
        "prompts": len(asked),
        "ways": found,
        "guide's score, best clean less unguided": paired(score[keen], score["unguided"]),
        "guide's score, best clean less classifier-free": paired(score[keen], score["classifier-free 3"]),
        "objects there, classifier-free less best clean": paired(good["classifier-free 3"], good[clean]),
        "objects there, best noise-aware less best clean": paired(good[noisy], good[clean]),
    }


def best(found: dict[str, Any], good: dict[str, np.ndarray[Any, Any]], kind: str) -> str:
    """Return the way of a kind with most right pictures."""
    return max((name for name in found if name.startswith(kind)), key=lambda name: good[name].mean())
