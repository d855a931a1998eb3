"""Another look by words: words followed, pose and silhouette kept, variety, against a loss of directions."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.kit.drawing import Pixels, generator_of
from benchmarks.kit.intervals import mean, paired
from benchmarks.kit.results import OUT
from benchmarks.scene3d.common import MODEL, drawn, remembered, seen, triplane_of
from limn.data.toys3d.captions import prompts
from limn.models import load, locate
from limn.models.changed_folder import write_changed
from limn.models.judges import judge
from limn.scene3d.adapting import Tuning, adapted, along
from limn.scene3d.camera import Camera
from limn.scene3d.pose import PoseReader
from limn.scene3d.triplane import Triplane
from limn.scene3d.volume import roughness
from limn.store import Store
from limn.studio.adapting import Adaptation, Asked

TO, SEEN_BY = "in Noto style", "judge_b"
VIEWS = tuple(Camera(azimuth=azimuth) for azimuth in (30.0, 120.0, 210.0, 300.0))
WAYS: Mapping[str, Mapping[str, Any]] = {
    "filtered": {}, "not filtered": {"keep": 1.0, "pose": 180.0}, "no density regularisation": {"smooth": 0.0},
    "a loss of directions": {"along": True},
}  # fmt: skip


def measure(
    *, model: str = MODEL, to: str = TO, seeds: int = 3, count: int = 96, steps: int = 300, objects: int = 48
) -> dict[str, Any]:
    """Return, by way: how much nearer to the words, pose and silhouette kept, variety and roughness."""
    texts = [one.text for one in prompts(objects, "held_out", seed=5)]
    rows: dict[str, list[dict[str, float]]] = {}
    for seed in range(seeds):
        for way, options in WAYS.items():
            run = partial(_one, model, to, way, dict(options), seed, count, steps, texts)
            rows.setdefault(way, []).append(remembered("adaptation", f"{way}-{seed}", run))
    base = rows["a loss of directions"]
    return {
        "model": model, "to": to, "judge": SEEN_BY, "seeds": seeds, "objects": objects,
        **{way: {name: mean([row[name] for row in own]) for name in own[0]} for way, own in rows.items()},
        "variety, filtered over a loss of directions": paired(
            [row["variety, over before"] for row in rows["filtered"]], [row["variety, over before"] for row in base]
        ),
    }  # fmt: skip


def _one(
    model: str, to: str, way: str, options: dict[str, Any], seed: int, count: int, steps: int, texts: list[str]
) -> dict[str, float]:
    folder = Path(os.environ.get(OUT, "runs")) / "scene3d" / "adapted" / f"{way}-{seed}"
    tuning = Tuning(steps=steps, smooth=options.pop("smooth", Tuning.smooth))
    if options.pop("along", False):
        directed(model, to, folder, tuning, seed)
    else:
        asked = Asked(model=model, to=to, out=folder, count=count, seed=seed, tuning=tuning, **options)
        for _ in Adaptation(asked, Store(folder.parent / "store"), force=True).run():
            pass
    return judged(generator_of(model), load(str(folder)), texts, to)


def directed(model: str, to: str, folder: Path, tuning: Tuning, seed: int) -> None:
    """Adapt by a loss of directions in judge_a's space alone (StyleGAN-NADA's), without edits."""
    one, source = judge("judge_a"), triplane_of(model)
    texts = [one.text for one in prompts(48, "learned", seed=seed)]
    way = (one.texts([f"{text} {to}" for text in texts]) - one.texts(texts)).mean(0)

    def embed(pictures: Tensor) -> Tensor:
        size = one.network.config.size
        placed: Tensor = one.network.images(F.interpolate(pictures, (size, size), mode="bilinear"))
        return placed

    network = source
    for _, _, tuned in adapted(source, along(drawn(model, texts, seed), source, embed, way, tuning), tuning, seed):
        network = tuned
    write_changed(locate(model), folder, network.bare().state_dict(), inside="triplane.safetensors")


def judged(before: Any, after: Any, texts: list[str], to: str) -> dict[str, float]:
    """Compare the same objects before and after."""
    one, states = judge(SEEN_BY), drawn(before, texts, seed=500)
    pairs = [(_all(triplane_of(model), states)) for model in (before, after)]
    (old, there), (new, still) = pairs
    cameras = [camera for camera in VIEWS for _ in texts]
    things = [*range(len(texts))] * len(VIEWS)
    poses = PoseReader.fit(old, cameras, things)
    told = one.texts([f"{text} {to}" for text in texts]).repeat(len(VIEWS), 1)
    plain = one.texts(texts).repeat(len(VIEWS), 1)
    towards = [
        float(((one.images(seen_) * told).sum(1) - (one.images(seen_) * plain).sum(1)).mean())
        for seen_ in (old, new)
    ]
    both, either = (there & still).sum((1, 2)), (there | still).sum((1, 2))
    rough = [_rough(triplane_of(model), states) for model in (before, after)]
    return {
        "nearer to the words than before": towards[1] - towards[0],
        "fits what it is": float((one.images(new) * plain).sum(1).mean()),
        "pose away, degrees": float(np.median(poses.away(new, cameras))),
        "error of the reader of poses, degrees": poses.error,
        "silhouette kept (IoU)": float((both / np.maximum(either, 1)).mean()),
        "variety, over before": _spread(one.images(new)) / _spread(one.images(old)),
        "roughness, over before": rough[1] / rough[0],
    }


def _all(triplane: Triplane, states: Tensor) -> tuple[Pixels, Any]:
    views = [seen(triplane, states, camera) for camera in VIEWS]
    return np.concatenate([view[0] for view in views]), np.concatenate([view[1] > 0.5 for view in views])


@torch.inference_mode()
def _rough(triplane: Triplane, states: Tensor) -> float:
    planes = triplane.planes(triplane.raw(states))
    return float(roughness(triplane.field, planes, Tuning.way, torch.Generator().manual_seed(0)))


def _spread(rows: Tensor) -> float:
    """Return the mean distance (1 - cosine) of pairs."""
    close = rows @ rows.T
    return float(1 - (close.sum() - len(rows)) / (len(rows) * (len(rows) - 1)))
