"""Classifier-free guidance on the emoji model: the judge finds prompts more often as the scale grows, then less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.judges import hits
from benchmarks.steering.common import draw, mean, paired, sheet
from limn.data.pictograms import load
from limn.models.judges import judge

SCALES = (1.0, 2.0, 3.0, 5.0, 8.0)


def measure(count: int) -> dict[str, Any]:
    """Return 100-way retrieval and likeness to the prompt for each scale, by a judge that does not guide."""
    source, one = load(Path("data/pictograms"), ("train",)), judge("judge_b")
    places = np.random.default_rng(1).permutation(len(source))[: max(110, 3 * count)]
    texts = [source.columns["captions"][place][0] for place in places]
    meanings = [(source.columns["codepoint"][place], source.columns["style"][place]) for place in places]
    words, found, near, rows = one.texts(texts), {}, {}, {}
    for scale in SCALES:
        pixels = draw("emoji", texts, [f"classifier_free:scale={scale}"]).pixels
        rows[f"scale {scale:g}"] = pixels
        near[scale] = (one.images(pixels) * words).sum(1).double().numpy()
        ranks = one.retrieval(pixels, texts, meanings=meanings)
        found[f"{scale:g}"] = {**hits(ranks), "cosine": mean(near[scale])}
    sheet("emoji_scale", rows, scale=1)
    return {
        "claim": "pictures of a scale above 1 are nearer to their prompts",
        "prompts": len(texts),
        "scales": found,
        "cosine, scale 3 less scale 1": paired(near[3.0], near[1.0]),
    }
