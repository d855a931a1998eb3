"""CLIP guidance pleases its own guide; an independent reader prefers classifier-free; noise-aware against clean.

Each kind of guide has the strength that was best on the prompts of the other two seeds, so neither is chosen by the
pictures it is judged by.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steering.common import SEEDS, WEAK, draw, mean, paired, sheet, there
from limn.data.shapes import prompts
from limn.models.judges import judge

CLEAN, NOISY = "shapes_guide", "shapes_guide_noisy"
Shares = np.ndarray[Any, Any]


def guided(strengths: dict[str, tuple[float, ...]], before: list[str]) -> dict[str, list[str]]:
    """Return the guidances of each kind and strength, beside those that are always there."""
    options = {"clean": f"clip:guide={CLEAN}", "noise-aware": f"clip:guide={NOISY},noisy=true"}
    return {
        f"{kind} guide, {s:g}": [*before, f"{options[kind]},scale={s}"]
        for kind in strengths
        for s in strengths[kind]
    }


WAYS = {
    "unguided": [],
    "classifier-free 3": ["classifier_free:scale=3"],
    **guided({"clean": (0.3, 1.0, 3.0), "noise-aware": (1.0, 3.0, 10.0)}, []),
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
        print(name, found[name], flush=True)
    sheet("clip", rows)
    clean, noisy = (chosen(good, kind) for kind in ("clean", "noise-aware"))
    keen = max((name for name in WAYS if name.startswith("clean")), key=lambda name: score[name].mean())
    return {
        "claim": "the guide's own score rises; the exact reader prefers classifier-free; noise-aware beats clean",
        "prompts": len(asked),
        "ways": found,
        "guide's score, best clean less unguided": paired(score[keen], score["unguided"]),
        "guide's score, best clean less classifier-free": paired(score[keen], score["classifier-free 3"]),
        "objects there, classifier-free less clean": paired(good["classifier-free 3"], clean),
        "objects there, noise-aware less clean": paired(noisy, clean),
    }


def chosen(good: dict[str, Shares], kind: str) -> Shares:
    """Return a kind's shares, for the prompts of each seed at the strength that was best for the other seeds."""
    ways = np.array([shares for name, shares in good.items() if name.startswith(kind)])
    parts = np.array_split(np.arange(ways.shape[1]), len(SEEDS))
    found = np.empty(ways.shape[1])
    for part in parts:
        found[part] = ways[np.delete(ways, part, axis=1).mean(1).argmax(), part]
    return found
