"""Classifier-free guidance: alignment rises with the scale, diversity falls, the Frechet distance is best within."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steering.common import SEEDS, WEAK, draw, features, frechet, mean, paired, sheet, there
from limn.data.shapes import prompts, render

SCALES = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0)
ALIKE = 8  # pictures of one prompt, for diversity


def measure(count: int) -> dict[str, Any]:
    """Return alignment, diversity and distance for each scale."""
    asked = [each for seed in SEEDS for each in prompts("two", count, seed, detail="short")]
    texts, found = [each.text for each in asked], {}
    real = features(np.stack([render(each.scene) for each in asked]))
    good, rows = {}, {}
    for scale in SCALES:
        guidance = [f"classifier_free:scale={scale}"]
        pixels = draw(WEAK, texts, guidance).pixels
        good[scale], rows[f"scale {scale:g}"] = there(pixels, asked), pixels
        same = draw(WEAK, texts[: count // 4], guidance, n=ALIKE).pixels
        found[f"{scale:g}"] = {
            "objects there": mean(good[scale]),
            "diversity": round(diversity(features(same)), 4),
            "frechet": round(frechet(features(pixels), real), 4),
        }
    sheet("scale", rows)
    best = min(found, key=lambda scale: found[scale]["frechet"])
    return {
        "claim": "alignment rises and diversity falls up to a scale; the Frechet distance is best in between",
        "prompts": len(asked),
        "scales": found,
        "objects there, scale 3 less scale 1": paired(good[3.0], good[1.0]),
        "scale of the smallest Frechet distance": float(best),
        "alignment rises up to scale 3": paired(good[3.0], good[1.0])["low"] > 0,
        "diversity falls up to scale 3": found["3"]["diversity"] < found["1"]["diversity"],
        "the best Frechet distance is in between": float(best) not in (SCALES[0], SCALES[-1]),
    }


def diversity(vectors: np.ndarray[Any, Any]) -> float:
    """Return the mean distance of pictures of the same prompt."""
    sets = vectors.reshape(-1, ALIKE, vectors.shape[1])
    apart = np.sqrt(((sets[:, :, None] - sets[:, None]) ** 2).sum(-1))
    return float(apart.sum() / (len(sets) * ALIKE * (ALIKE - 1)))
