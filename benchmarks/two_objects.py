"""Two things and where they are: are both drawn, in their places? In one go, thing by thing, and real scenes beside.

A picture is parted where least is drawn near its middle, each part is cut to what is on it, and a judge names it
among twenty things. The same way of reading is held against real scenes, whose truth is known: its ceiling.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.kit.drawing import draw, generator_of
from benchmarks.kit.intervals import share
from benchmarks.kit.results import picture
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data.picture_set import load
from limn.data.scenes import Scenes
from limn.io.pictures import composite
from limn.kernel.generator import Generator
from limn.models.judges import Judge, judge
from limn.store.sheet import grid
from limn.studio.scenes import compose, layout

WAYS = 20
SIZE = re.compile(r"\b(?:small|big) ")
RELATION = re.compile(r"(.+?) (?:to the )?(left of|above) (.+)")
SHOWN = 8
PLAIN = slice(2, None)  # the captions of a scene that do not name its style


@dataclass(frozen=True)
class Asked:
    """A scene in words, and as it is composed from real pictograms."""

    prompt: str
    first: str
    second: str
    above: bool
    picture: NDArray[np.uint8]


def measure(
    *, model: str = "emoji", judged_by: str = "judge_b", prompts: int = 200, data: Path = PICTOGRAMS
) -> dict[str, Any]:
    """Return how often both things are found, and draw ``docs/pictures/scenes.webp``."""
    one, generator = judge(judged_by), generator_of(model)
    asked = scenes(Scenes(load(data)), prompts)
    ways = {
        "drawn in one go": draw(generator, [scene.prompt for scene in asked]).pixels,
        "drawn thing by thing": composed(generator, [scene.prompt for scene in asked]),
        "real": np.stack([scene.picture for scene in asked]),
    }
    shown = [Image.fromarray(pixels) for pictures in ways.values() for pixels in pictures[:SHOWN]]
    grid(shown, columns=min(SHOWN, prompts)).save(picture("pictures/scenes.webp"), quality=90, method=6)
    return {
        "model": model,
        "judge": judged_by,
        "ways": WAYS,
        "scenes": {name: read(one, pictures, asked) for name, pictures in ways.items()},
        "shown": [scene.prompt for scene in asked[:SHOWN]],
    }


def scenes(world: Scenes, count: int) -> list[Asked]:
    """Compose scenes of two things that a sentence such as ``a cat above a red heart`` describes."""
    rng, found = np.random.default_rng(21), list[Asked]()
    while len(found) < count:
        scene = world.draw(rng, count=2)
        told = next((match for caption in scene.captions[PLAIN] if (match := RELATION.fullmatch(caption))), None)
        if told is None:
            continue
        first, second = (re.sub(r"^a (?=[aeiou])", "an ", SIZE.sub("", told[place])) for place in (1, 3))
        above = told[2] == "above"
        found.append(Asked(told[0], first, second, above, composite(scene.picture)))
    return found


def composed(generator: Generator, prompts: Sequence[str]) -> NDArray[np.uint8]:
    """Draw scenes as ``limn scene`` does: each thing alone, in one style, then put in its place."""
    layouts = [layout(each) for each in prompts]
    style = next(iter(generator.styles.values()), "{}")
    drawn = draw(generator, [style.format(thing.words) for one in layouts for thing in one.things]).pixels
    ends = np.cumsum([len(each.things) for each in layouts])  # a name with "and" in it is read as two things
    return np.stack([compose([*drawn[end - len(each.things) : end]], each)
                     for end, each in zip(ends, layouts, strict=True)])  # fmt: skip


def halves(pixels: NDArray[np.uint8], above: bool) -> list[NDArray[np.uint8]]:
    """Part a picture where least is drawn near its middle, and frame what is on each part: two of (64, 64, 3)."""
    ink = (pixels < 240).any(2)
    across, side = ink.sum(1 if above else 0), len(ink)
    middle = np.arange(side // 4, 3 * side // 4 + 1)
    cut = int(middle[np.lexsort((abs(middle - side // 2), across[middle]))[0]])
    parts = (pixels[:cut], pixels[cut:]) if above else (pixels[:, :cut], pixels[:, cut:])
    return [framed(part) for part in parts]


def framed(part: NDArray[np.uint8], margin: float = 0.06) -> NDArray[np.uint8]:
    """Cut a part to what is drawn on it, in the middle of a white square of 64 pixels."""
    ink = (part < 240).any(2)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        return np.full((64, 64, 3), 255, np.uint8)
    shown = Image.fromarray(part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    side = round(max(shown.size) * (1 + 2 * margin))
    square = Image.new("RGB", (side, side), "white")
    square.paste(shown, ((side - shown.width) // 2, (side - shown.height) // 2))
    return np.asarray(square.resize((64, 64), Image.Resampling.BICUBIC))


def read(one: Judge, pictures: NDArray[np.uint8], asked: Sequence[Asked]) -> dict[str, Any]:
    """Return how often both things are found anywhere, each in its place, and the order is the one asked for."""
    parts = np.stack([part for row, each in zip(pictures, asked, strict=True) for part in halves(row, each.above)])
    names = list(dict.fromkeys(name for each in asked for name in (each.first, each.second)))
    close = one.similarity(parts, names).numpy().reshape(len(asked), 2, len(names))
    rng, both, placed, order = np.random.default_rng(0), [], [], []
    for near, each in zip(close, asked, strict=True):
        own = [names.index(each.first), names.index(each.second)]
        rest = [k for k in range(len(names)) if k not in own]
        others = rng.choice(rest, min(WAYS - 2, len(rest)), replace=False)
        named = [[*own, *others][int(part[[*own, *others]].argmax())] for part in near]
        both.append(set(named) == set(own))
        placed.append(named == own)
        order.append(near[0, own[0]] + near[1, own[1]] > near[0, own[1]] + near[1, own[0]])
    count = len(asked)
    return {
        "both found": share(sum(both), count),
        "both found, each in its place": share(sum(placed), count),
        "order right, of two": share(int(sum(order)), count),
    }


if __name__ == "__main__":
    run(measure, quick={"prompts": 2})
