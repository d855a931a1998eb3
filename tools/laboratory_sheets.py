"""Draw the contact sheets of the worlds, and the sample of shapes for tests.

python -m tools.laboratory_sheets [data/pictograms]
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limn.data import people, shapes
from limn.data.example import Example
from limn.data.picture_set import PictureSet, load
from limn.data.scenes import Scenes
from limn.data.split import SPLITS, STYLES
from limn.io.pictures import encode_png
from limn.store.sheet import grid

ROOT = Path(__file__).parents[1]
SHOWN = (
    "red heart", "red apple", "dog", "tiger face", "butterfly", "automobile", "airplane", "house", "umbrella", "sun",
    "pizza", "guitar", "robot", "crying face", "woman farmer", "man health worker", "cook", "victory hand",
)  # fmt: skip
SAMPLE = ROOT / "tests" / "sample" / "shapes"
SCALE = 2


def sheet(pictures: NDArray[np.uint8], columns: int) -> Image.Image:
    """Lay pictures (n, side, side, 3) out in rows, doubled, with grey gaps."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=200)
    side = padded.shape[1]
    grid = padded.reshape(-1, columns, side, side, 3).transpose(0, 2, 1, 3, 4).reshape(-1, columns * side, 3)
    return Image.fromarray(np.ascontiguousarray(grid.repeat(SCALE, axis=0).repeat(SCALE, axis=1)))


def save_sample(examples: Iterable[Example]) -> None:
    """Write examples as an image folder with metadata.jsonl."""
    SAMPLE.mkdir(parents=True, exist_ok=True)
    lines = []
    for example in examples:
        (SAMPLE / f"{example.key}.png").write_bytes(encode_png(Image.fromarray(example.picture)))
        row = {
            "file_name": f"{example.key}.png",
            "captions": example.captions,
            "attributes": example.attributes,
            "split": example.split,
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    (SAMPLE / "metadata.jsonl").write_text("".join(lines), "utf-8")


def pictograms(everything: PictureSet) -> list[NDArray[np.uint8]]:
    """Return the pictures of the sheet, one row a style."""
    columns = zip(*(everything.columns[name] for name in ("style", "label", "tone")), strict=True)
    places = {(style, label): i for i, (style, label, tone) in enumerate(columns) if tone in ("", "medium")}
    pictures = everything.on()
    white = np.full_like(pictures[0], 255)
    return [
        pictures[places[style, label]] if (style, label) in places else white for style in STYLES for label in SHOWN
    ]


def main() -> None:
    """Write docs/ideas/*-world.png, those of pictograms where their folder is named, and tests/sample/shapes."""
    ideas = ROOT / "docs" / "ideas"
    ideas.mkdir(parents=True, exist_ok=True)
    drawn, _ = shapes.batch(np.random.default_rng(0), 60)
    icons = people.Population(split="all").census(1296)
    portraits = np.stack([people.render(icons[(k * 421) % len(icons)]) for k in range(48)])
    for name, pictures, columns in (("shapes", drawn, 12), ("people", portraits, 12)):
        (ideas / f"{name}-world.png").write_bytes(encode_png(sheet(pictures, columns)))
    if sys.argv[1:]:
        everything = load(Path(sys.argv[1]), SPLITS)
        grid(pictograms(everything), len(SHOWN), gap=0).save(ideas / "pictograms-world.png", optimize=True)
        scenes = Scenes(everything.where(split="train")).stream(np.random.default_rng(0))
        drawn = [scene.on() for scene in itertools.islice(scenes, 48)]
        grid(drawn, 12, gap=0).save(ideas / "scenes-world.png", optimize=True)
    save_sample([*shapes.examples(24), *shapes.examples(8, split="pair"), *people.examples(24)])


if __name__ == "__main__":
    main()
