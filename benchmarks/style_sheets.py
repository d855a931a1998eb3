"""Sheets of 8 x 8 pictures in each style, and the sheet of failures; prompt k with seed k, none chosen by hand."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.drawing import draw, generator_of
from benchmarks.record import write
from limn.data.split import STYLES
from limn.models.judges import judge
from limn.models.upsampler import Enlarger, upsampler

PROMPTS = (
    "a smiling face", "a crying face", "a face with sunglasses", "a robot face", "a clown face", "a ghost",
    "a pumpkin", "a red heart", "a woman firefighter with dark skin", "a man cook with light skin",
    "a woman doctor with medium skin", "a man farmer with dark skin", "a woman astronaut", "a man judge",
    "an old woman", "a mage", "a dog", "a cat", "a panda", "a frog", "a fish", "a bird", "a butterfly",
    "an elephant",
    "a red apple", "a slice of pizza", "a banana", "a hamburger", "a birthday cake", "a carrot", "a cup of coffee",
    "a bunch of grapes", "a house", "a castle", "a rocket", "a blue car", "an airplane", "a sailboat", "a bicycle",
    "a train", "the sun", "a crescent moon", "a rainbow", "a cloud with rain", "a snowman", "a cactus",
    "a palm tree", "a sunflower", "a key", "an umbrella", "a book", "a clock", "a guitar", "a camera", "a hammer",
    "a light bulb", "a soccer ball", "a trophy", "a crown", "a gem stone", "a red apple to the left of a dog",
    "a cat above a red heart", "a banana to the right of a house", "a small star above a big moon",
)  # fmt: skip
FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MOST = 150_000
LARGE = 256


def main() -> None:
    """Draw, write ``docs/pictures/sheet_STYLE.webp``, ``failures.webp`` and ``results/style_sheets.json``."""
    generator, one, drawn = generator_of("emoji"), judge("judge_b"), {}
    for style in STYLES:
        drawn[style], _ = draw(generator, PROMPTS, seed=0, style=style)
        save([enlarged(each) for each in drawn[style]], FOLDER / f"sheet_{style}.webp")
    pictures = np.concatenate(list(drawn.values()))
    close = one.similarity(pictures, list(PROMPTS)).numpy()
    own = np.tile(np.arange(len(PROMPTS)), len(STYLES))
    mine = close[np.arange(len(own)), own]
    close[np.arange(len(own)), own] = -1
    worst = np.argsort(mine - close.max(1), kind="stable")[:64].tolist()
    save([labelled(pictures[place], PROMPTS[own[place]]) for place in worst], FOLDER / "failures.webp")
    found = int((mine > close.max(1)).sum())
    print(write("style_sheets", {
        "prompts": list(PROMPTS), "pictures": len(own), "judge": "judge_b",
        "found among the sheet's own 64 prompts": found,
        "failures shown": "the 64 whose own prompt is furthest behind the best other one, worst first",
        "bytes": {path.name: path.stat().st_size for path in sorted(FOLDER.glob("*.webp"))},
    }))  # fmt: skip


def enlarged(picture: NDArray[np.uint8]) -> Image.Image:
    """Bring a picture to 256 pixels with the learned upsampler."""
    return Image.fromarray(_upsampler().enlarge(picture))


@cache
def _upsampler() -> Enlarger:
    return upsampler()


def labelled(picture: NDArray[np.uint8], text: str) -> Image.Image:
    """Put the prompt under an enlarged picture."""
    image = Image.new("RGB", (LARGE, LARGE + 22), "white")
    image.paste(enlarged(picture), (0, 0))
    ImageDraw.Draw(image).text((LARGE / 2, LARGE + 4), text[:44], fill="black", anchor="ma", font_size=13)
    return image


def save(pictures: list[Image.Image], path: Path, columns: int = 8) -> None:
    """Lay pictures out in rows and save them as WebP, as good as the size limit allows."""
    wide, high = pictures[0].size
    sheet = Image.new("RGB", (columns * wide, -(-len(pictures) // columns) * high), "white")
    for place, each in enumerate(pictures):
        sheet.paste(each, ((place % columns) * wide, (place // columns) * high))
    for quality in (80, 70, 60, 50, 40, 30, 20, 10):
        packed = io.BytesIO()
        sheet.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= MOST:
            break
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(packed.getvalue())


if __name__ == "__main__":
    main()
