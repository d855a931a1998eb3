"""Does the upsampler beat Lanczos' filter? Held-out pictograms of 256 pixels against what becomes of 64-pixel ones.

Small pictures are Lanczos reductions of the large ones, crisp and through the emoji model's autoencoder; and, as the
emoji model learned to draw them, the same pictograms drawn at 64 pixels. A difference is paired, picture by picture.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.kit.drawing import Pixels, draw
from benchmarks.kit.intervals import mean, paired
from benchmarks.kit.judging import some
from benchmarks.kit.results import picture
from benchmarks.kit.run import PICTOGRAMS, run
from benchmarks.kit.sheets import small as save
from benchmarks.kit.timing import processor
from limn.data.picture_set import load, packed
from limn.data.split import STYLES
from limn.models.upsampler import Enlarger, upsampler
from limn.store.sheet import grid
from limn.train.batches import reconstructed
from limn.train.sheet import pixels, psnr
from limn.train.tasks.upsampling import HELD_OUT, enlarged, on_white, reduced

PROMPTS = (
    "a red heart", "a smiling face with sunglasses", "a noto emoji of a dog", "a 3d render of a rocket",
    "a slice of pizza, flat style", "a woman firefighter with dark skin", "a blue car", "a sunflower",
)  # fmt: skip
SOFT, CRISP = "reduced, through the autoencoder", "reduced, crisp"
DRAWN = "drawn at 64 pixels, through the autoencoder"


def measure(
    *, model: str = "upsampler", pictures: int = 300, large: Path = Path("data/pictograms_256"),
    data: Path = PICTOGRAMS,
) -> dict[str, Any]:  # fmt: skip
    """Return ratios and time of a shipped upsampler or a folder, and draw ``docs/pictures/upsampled.webp``."""
    torch.set_num_threads(1)
    one = upsampler(model)
    true, small, styles = held_out(large, data, pictures, one.factor)
    table: dict[str, Any] = {}
    for kind, inputs in small.items():
        ratios = compare(inputs, true, one)
        table[kind] = row(*ratios)
        for style in STYLES:
            part = styles == style
            if part.sum() > 1:
                table[f"{kind}, {style}"] = row(*(ratio[part] for ratio in ratios))
        print(kind, table[kind], flush=True)
    show(one)
    return {
        "model": model,
        "weights": one.weights,
        "pictures": len(true),
        "PSNR in dB": table,
        "seconds a picture, one thread": {
            "lanczos": round(seconds(lambda picture: enlarged(picture, one.factor), small[SOFT]), 5),
            "learned": round(seconds(one.enlarge, small[SOFT]), 5),
        },
        "prompts of the picture": "; ".join(PROMPTS),
    }


def held_out(
    large: Path, small: Path, count: int, factor: int
) -> tuple[Pixels, dict[str, Pixels], NDArray[np.str_]]:
    """Return held-out pictures at full size, what each looks like small in every way, and their styles."""
    columns, drawn = packed(large, HELD_OUT), load(small, HELD_OUT)
    places = {key: place for place, key in enumerate(drawn.columns["key"])}
    both = np.array([place for place, key in enumerate(columns["key"]) if key in places])
    chosen = some(both, count)
    true = np.stack([on_white(columns["picture"][place]) for place in chosen])
    crisp = np.stack([reduced(each, factor) for each in true])
    asked = drawn.take([places[columns["key"][place]] for place in chosen]).on()
    styles = np.array([columns["style"][place] for place in chosen])
    return true, {SOFT: through(crisp), DRAWN: through(asked), CRISP: crisp}, styles


def through(small: Pixels) -> Pixels:
    """Return pictures as the emoji model's autoencoder gives them back."""
    return pixels(reconstructed(small, "emoji", np.random.default_rng(0), 0.0))


def compare(small: Pixels, true: Pixels, learned: Enlarger) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    plain = np.stack([enlarged(picture, learned.factor) for picture in small])
    return psnr(plain, true), psnr(np.stack([learned.enlarge(picture) for picture in small]), true)


def row(plain: NDArray[np.float64], learned: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "lanczos": mean(plain),
        "learned": mean(learned),
        "learned - lanczos": paired(learned, plain),
        "better": round(float((learned > plain).mean()), 3),
        "n": len(plain),
    }


def seconds(enlarge: Callable[[Pixels], Pixels], small: Pixels) -> float:
    """Return the median processor seconds of one picture, of thirty."""
    return float(np.median([processor(lambda picture=picture: enlarge(picture), 1) for picture in small[:30]]))


def show(learned: Enlarger) -> None:
    """Draw the prompts, prompt k with seed k, and lay both enlargements side by side, Lanczos' on the left."""
    cells = []
    for seed, prompt in enumerate(PROMPTS):
        small = draw("emoji", [prompt], seed=seed).pixels[0]
        cells += [enlarged(small, learned.factor), learned.enlarge(small)]
    save(grid(cells, 2, gap=0), picture("pictures/upsampled.webp"))


if __name__ == "__main__":
    run(measure, quick={"pictures": 2})
