"""Classifier-free guidance: what its scale does to alignment, diversity and distance; what guiding part saves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import draw
from benchmarks.kit.intervals import mean, paired
from benchmarks.kit.judging import captions, close_to, found_by, some, vectors
from benchmarks.kit.run import PICTOGRAMS
from benchmarks.steering.common import CFG, WEAK, drawn, each_seed, texts, there
from limn.audit.statistics.distances import frechet
from limn.data.picture_set import load
from limn.data.shapes import render
from limn.models.judges import judge

SCALES = ("1", "1.5", "2", "3", "5", "8", "12")
ALIKE = 8  # pictures of one prompt, for diversity
PARTS = {
    "all steps": CFG,
    "noise/signal 0.2 to 5": f"{CFG},low=0.2,high=5",
    "noise/signal 0.4 to 3": f"{CFG},low=0.4,high=3",
    "until cosine 0.9": f"{CFG},agree=0.9",
    "until cosine 0.97": f"{CFG},agree=0.97",
    "until cosine 0.99": f"{CFG},agree=0.99",
    "linear schedule": f"{CFG},schedule=linear",
    "cosine schedule": f"{CFG},schedule=cosine",
    "never": "classifier_free:scale=1",
}


def scale(count: int) -> dict[str, Any]:
    """Alignment rises with the scale, diversity falls, the Frechet distance is best within."""
    asked, guide = each_seed("two", count), judge("shapes_guide")
    ways = {f"scale {value}": [f"classifier_free:scale={value}"] for value in SCALES}
    pictures, found, good = drawn("scale", WEAK, texts(asked), ways), {}, {}
    real = vectors(guide, np.stack([render(want.scene) for want in asked]))
    for value, (name, guidance) in zip(SCALES, ways.items(), strict=True):
        pixels = pictures[name].pixels
        good[value] = there(pixels, asked)
        same = draw(WEAK, texts(asked)[: max(1, count // 4)], guidance=guidance, n=ALIKE).pixels
        found[value] = {
            "objects there": mean(good[value]),
            "diversity": round(diversity(vectors(guide, same)), 4),
            "frechet": round(frechet(vectors(guide, pixels), real), 4),
        }
    best = min(found, key=lambda value: found[value]["frechet"])
    return {
        "claim": "alignment rises and diversity falls up to a scale; the Frechet distance is best in between",
        "prompts": len(asked),
        "scales": found,
        "objects there, scale 3 less scale 1": paired(good["3"], good["1"]),
        "scale of the smallest Frechet distance": float(best),
        "alignment rises up to scale 3": paired(good["3"], good["1"])["low"] > 0,
        "diversity falls up to scale 3": found["3"]["diversity"] < found["1"]["diversity"],
        "the best Frechet distance is in between": best not in (SCALES[0], SCALES[-1]),
    }


def diversity(features: NDArray[np.float64]) -> float:
    """Return the mean distance of pictures of the same prompt."""
    sets = features.reshape(-1, ALIKE, features.shape[1])
    apart = np.sqrt(((sets[:, :, None] - sets[:, None]) ** 2).sum(-1))
    return float(apart.sum() / (len(sets) * ALIKE * (ALIKE - 1)))


def emoji_scale(count: int) -> dict[str, Any]:
    """The judge, who does not guide, finds prompts of the emoji model more often as the scale grows, then less."""
    source, one = load(PICTOGRAMS, ("train",)), judge("judge_b")
    asked = source.take(some(np.arange(len(source)), max(110, 3 * count), seed=1))
    ways = {f"scale {value}": [f"classifier_free:scale={value}"] for value in ("1", "2", "3", "5", "8")}
    pictures = drawn("emoji_scale", "emoji", captions(asked), ways, scale=1)
    near = {name: close_to(one, pictures[name].pixels, captions(asked)) for name in ways}
    return {
        "claim": "pictures of a scale above 1 are nearer to their prompts",
        "prompts": len(asked),
        "scales": {
            name.removeprefix("scale "): {
                **found_by(one, pictures[name].pixels, asked), "cosine": mean(near[name])
            }
            for name in ways
        },
        "cosine, scale 3 less scale 1": paired(near["scale 3"], near["scale 1"]),
    }  # fmt: skip


def cost(count: int) -> dict[str, Any]:
    """Rows saved by an interval or by stopping when the answers agree, and what is lost."""
    asked = each_seed("two", count)
    pictures = drawn("cost", WEAK, texts(asked), {name: [way] for name, way in PARTS.items()})
    full, found = pictures["all steps"], {}
    good = there(full.pixels, asked)
    for name, one in pictures.items():
        error = ((one.pixels.astype(float) - full.pixels) ** 2).mean((1, 2, 3)) / 255**2
        psnr = float(np.median(-10 * np.log10(np.maximum(error, 1e-12))))
        now = there(one.pixels, asked)
        found[name] = {
            "rows, share of all steps": round(one.rows / full.rows, 3),
            "forwards": one.forwards,
            "median PSNR to all steps, dB": None if one is full else round(psnr, 1),
            "objects there": mean(now),
            "objects there, less all steps": paired(now, good),
        }
    cheap = found["noise/signal 0.2 to 5"]
    return {
        "claim": "an interval or stopping at agreement saves rows at a loss of alignment of at most 5 points",
        "prompts": len(asked),
        "ways": found,
        "holds": cheap["rows, share of all steps"] < 0.9 and cheap["objects there, less all steps"]["low"] > -0.05,
    }
