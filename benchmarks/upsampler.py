"""Does the upsampler beat Lanczos' filter? Held-out pictograms of 256 pixels against what becomes of 64-pixel ones.

Small pictures are Lanczos reductions of the large ones, crisp and through the emoji model's autoencoder; and, as the
emoji model learned to draw them, the same pictograms drawn at 64 pixels. A difference is paired, picture by picture.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.drawing import draw, generator_of, in_random_order
from benchmarks.record import write
from benchmarks.style_sheets import FOLDER, save
from limn.data.pictograms import load
from limn.data.picture_set import packed
from limn.data.split import STYLES
from limn.models.upsampler import upsampler
from limn.networks.upsampler import Upsampler
from limn.train.attribute_classifier import softened
from limn.train.card import write_card
from limn.train.tasks import pixels
from limn.train.upsampling import HELD_OUT, enlarged, on_white, psnr, reduced

PROMPTS = (
    "a red heart", "a smiling face with sunglasses", "a noto emoji of a dog", "a 3d render of a rocket",
    "a slice of pizza, flat style", "a woman firefighter with dark skin", "a blue car", "a sunflower",
)  # fmt: skip
PICTURE = FOLDER / "upsampled.webp"
SOFT, CRISP, DRAWN = (
    "reduced, through the autoencoder",
    "reduced, crisp",
    "drawn at 64 pixels, through the autoencoder",
)

Array = NDArray[np.uint8]


def main() -> None:
    """Measure and write ``results/upsampler.json`` and ``docs/pictures/upsampled.webp``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="upsampler", help="a shipped upsampler or a folder")
    arguments.add_argument("--pictures", type=int, default=300)
    arguments.add_argument("--large", type=Path, default=Path("data/pictograms_256"))
    arguments.add_argument("--small", type=Path, default=Path("data/pictograms"))
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    one = upsampler(chosen.model)
    true, small, styles = pictures(chosen.large, chosen.small, chosen.pictures, one.factor)
    figures: dict[str, Any] = {"model": chosen.model, "weights": one.weights, "pictures": len(true)}
    table: dict[str, Any] = {}
    for kind, each in small.items():
        found = compare(each, true, one.enlarge, one.factor)
        table[kind] = row(*found)
        for style in STYLES:
            part = styles == style
            if part.sum() > 1:
                table[f"{kind}, {style}"] = row(*(ratio[part] for ratio in found))
        print(kind, table[kind], flush=True)
    figures["PSNR in dB"] = table
    inputs = small[SOFT]
    figures["seconds a picture, one thread"] = {
        "lanczos": round(seconds(lambda each: enlarged(each, one.factor), inputs), 5),
        "learned": round(seconds(one.enlarge, inputs), 5),
    }
    show(one.enlarge, one.factor)
    print(write("upsampler", {**figures, "prompts of the picture": "; ".join(PROMPTS)}))
    if chosen.model in Upsampler.names():
        carry(chosen.model, figures)


def pictures(large: Path, small: Path, count: int, factor: int) -> tuple[Array, dict[str, Array], NDArray[np.str_]]:
    """Return held-out pictures at full size, what each looks like small in every way, and their styles."""
    columns, drawn = packed(large, HELD_OUT), load(small, HELD_OUT)
    places = {key: place for place, key in enumerate(drawn.columns["key"])}
    both = np.array([place for place, key in enumerate(columns["key"]) if key in places])
    chosen = in_random_order(both, count).tolist()
    true = np.stack([on_white(columns["picture"][place]) for place in chosen])
    crisp = np.stack([reduced(each, factor) for each in true])
    asked = drawn.take([places[columns["key"][place]] for place in chosen]).on()
    return (
        true,
        {SOFT: through(crisp), DRAWN: through(asked), CRISP: crisp},
        np.array([columns["style"][place] for place in chosen]),
    )


def through(small: Array) -> Array:
    """Return pictures as the emoji model's autoencoder gives them back."""
    return pixels(softened(small, "emoji", np.random.default_rng(0), 0.0))


def compare(
    small: Array, true: Array, learned: Callable[[Array], Array], factor: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ratio of each picture enlarged by Lanczos' filter, and by the network."""
    plain = np.stack([enlarged(each, factor) for each in small])
    return psnr(plain, true), psnr(np.stack([learned(each) for each in small]), true)


def row(plain: NDArray[np.float64], learned: NDArray[np.float64]) -> dict[str, Any]:
    """Return means and the mean paired difference, with 95 % intervals."""
    return {
        "lanczos": mean(plain),
        "learned": mean(learned),
        "learned - lanczos": mean(learned - plain),
        "better": round(float((learned > plain).mean()), 3),
        "n": len(plain),
    }


def mean(values: NDArray[np.float64]) -> dict[str, float]:
    """Return a mean with its 95 % normal interval."""
    middle, spread = float(values.mean()), 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    return {"mean": round(middle, 3), "low": round(middle - spread, 3), "high": round(middle + spread, 3)}


def seconds(enlarge: Callable[[Array], Array], small: Sequence[Array] | Array, count: int = 30) -> float:
    """Return the median processor seconds of one picture."""
    taken = []
    for each in small[:count]:
        start = time.process_time()
        enlarge(each)
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def show(learned: Callable[[Array], Array], factor: int) -> None:
    """Draw the prompts, prompt k with seed k, and lay both enlargements side by side, Lanczos' on the left."""
    generator, cells = generator_of("emoji"), list[Image.Image]()
    for seed, prompt in enumerate(PROMPTS):
        small = draw(generator, [prompt], seed=seed)[0][0]
        cells += [Image.fromarray(enlarged(small, factor)), Image.fromarray(learned(small))]
    save(cells, PICTURE, columns=2)


def carry(name: str, figures: dict[str, Any]) -> None:
    """Put the figures on the upsampler's card."""
    told = {}
    for kind in (SOFT, DRAWN, CRISP):
        found = figures["PSNR in dB"][kind]
        gain = found["learned - lanczos"]
        told[f"held-out pictograms, {kind}: PSNR in dB, over Lanczos"] = (
            f"{found['learned']['mean']:.2f}, {gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})"
        )
    folder = Upsampler.locate(name)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    write_card(folder, {**card, "figures": told})


if __name__ == "__main__":
    main()
