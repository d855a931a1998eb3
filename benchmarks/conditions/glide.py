"""GLIDE: a diffusion to 256 pixels against the one-pass upsampler; two ways of guiding by an independent judge."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.conditions.common import JUDGE, ask, remembered
from benchmarks.kit.drawing import Pixels, generator_of
from benchmarks.kit.intervals import share
from benchmarks.kit.judging import captions, meanings, places_of, some, vectors
from benchmarks.kit.run import PICTOGRAMS
from benchmarks.quality import FEATURES, dino
from limn.audit.statistics.distances import frechet
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS
from limn.models.judges import judge
from limn.models.upsampler import upsampler
from limn.train.tasks.cascade import enlarge

STEPS = (1, 2, 4, 8)
GUIDES = {
    "no guidance": ["classifier_free:scale=1"],
    "classifier-free, 2": ["classifier_free:scale=2"],
    "classifier-free, 4": ["classifier_free:scale=4"],
    "CLIP, 1": ["classifier_free:scale=1", "clip:scale=1"],
    "CLIP, 3": ["classifier_free:scale=1", "clip:scale=3"],
}


def measure(
    *, model: str = "glide", count: int = 200, seeds: int = 3, steps: int | None = None, data: Path = PICTOGRAMS,
    large: Path = Path("data/pictograms_256"),
) -> dict[str, Any]:  # fmt: skip
    """Return distance, sharpness and seconds of each way to 256 pixels, and shares found by each guidance."""
    source, key = load(data, SPLITS), f"{count}-{seeds}-{steps}"
    asked = source.take(some(places_of(source, "pair"), count))
    figures: dict[str, Any] = {"model": model, "judge": JUDGE, "prompts": len(asked), "seeds": seeds}
    figures["to 256 pixels"] = remembered("glide", f"large-{key}", lambda: enlarged(model, asked, large, steps))
    for name, guide in GUIDES.items():
        figures.setdefault("guidance", {})[name] = remembered(
            "glide",
            f"{name.replace(' ', '_')}-{key}",
            lambda: steered(model, asked, guide, seeds, steps),  # noqa: B023
        )
    return figures


def enlarged(model: str, asked: PictureSet, large: Path, steps: int | None) -> dict[str, Any]:
    """Enlarge the same small drawings in each way; distances are to real pictures of that size."""
    real = load(large if large.is_dir() else PICTOGRAMS, SPLITS)
    keys = {key: place for place, key in enumerate(real.columns["key"])}
    true = real.take([keys[key] for key in asked.columns["key"] if key in keys]).on()
    small = ask("emoji", captions(asked), 1, steps=steps).pixels
    one = upsampler()
    network: Any = generator_of(model).stages[-1].predictor.network.module  # type: ignore[attr-defined]
    ways: dict[str, Callable[[], Pixels]] = {"one pass": lambda: np.stack([one.enlarge(part) for part in small])}
    for count in STEPS:
        ways[f"diffusion, {count} steps"] = lambda count=count: _diffused(network, small, count)  # type: ignore[misc]
    seen = {"judge_b": lambda pictures: vectors(judge(JUDGE), pictures)}
    if FEATURES.is_file():
        seen["DINOv2 ViT-S/14"] = dino(FEATURES)
    result = dict[str, Any]()
    for name, way in ways.items():
        start = time.process_time()
        pixels = way()
        seconds = (time.process_time() - start) / len(pixels)
        result[name] = {
            "seconds a picture": round(seconds, 4), "sharpness": sharpness(pixels),
            **{f"Frechet distance, {eye}": round(frechet(of(pixels), of(true)), 4) for eye, of in seen.items()},
        }  # fmt: skip
    return {**result, "real pictures": {"sharpness": sharpness(true)}}


@torch.inference_mode()
def _diffused(network: Any, small: Pixels, steps: int) -> Pixels:
    parts = []
    for part in np.array_split(small, len(small) // 8 + 1):
        state = torch.from_numpy(part.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
        drawn = enlarge(network, state, steps=steps)
        parts.append(((drawn.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def steered(model: str, asked: PictureSet, guide: list[str], seeds: int, steps: int | None) -> dict[str, Any]:
    """Draw at 64 and at 256 pixels with a guidance; judge_a guides, judge_b judges."""
    one, result = judge(JUDGE), dict[str, Any]()
    some_ = asked.take(range(min(len(asked), 60)))
    own = [meaning for meaning in meanings(some_) for _ in range(seeds)]
    told = [text for text in captions(some_) for _ in range(seeds)]
    for size, name in (("64", "emoji"), ("256", model)):
        pixels = ask(name, captions(some_), seeds, steps=steps, guidance=guide).pixels
        ranks = one.retrieval(pixels, told, meanings=own, ways=min(100, len(set(own))))
        guided = (judge("judge_a").images(pixels) * judge("judge_a").texts(told)).sum(1)
        result[f"top-1 at {size}"] = share(int((ranks == 1).sum()), len(ranks))
        result[f"similarity by judge_a, which guides, at {size}"] = round(float(guided.mean()), 4)
    return result


def sharpness(pictures: Pixels) -> float:
    """Return the mean magnitude of gradients of grey, of values from 0 to 1."""
    grey = pictures.mean(3) / 255
    return round(float(np.hypot(np.diff(grey, axis=1)[:, :, 1:], np.diff(grey, axis=2)[:, 1:]).mean()), 5)
