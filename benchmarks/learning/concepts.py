"""What is learned: flags, which no model of limn has seen in any style, and things in sets that none has seen."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.kit.drawing import Pixels
from benchmarks.kit.run import PICTOGRAMS
from limn.data.catalogue import Concept, canonical, read_catalogue
from limn.data.packages import EMOJIBASE, Tarball, fetch
from limn.data.picture_set import PictureSet
from limn.data.sets import SETS
from limn.data.split import STYLES
from limn.io.pictures import composite, decode

CACHE = PICTOGRAMS / "packages"
"""Where ``limn data build pictograms`` keeps the packages that it fetches."""

FLAGS = (
    "pirate flag", "chequered flag", "rainbow flag", "crossed flags", "triangular flag", "white flag", "black flag",
    "transgender flag",
)  # fmt: skip
"""The catalogue leaves the group of flags out, so that no picture of one was learned from."""

KNOWN = ("umbrella", "frog", "guitar", "house", "bell", "mushroom", "rocket", "penguin")
"""Things that emoji was trained on in each style."""

SUBJECTS = {
    "owl": "emojione",
    "octopus": "fx",
    "penguin": "outlined",
    "house": "blob",
    "snail": "emojione",
    "cat face": "blob",
}
"""Things that emoji knows, drawn in a set that it has not seen; the cat last, for emoji's own looks like it."""

CAPTIONS = {"3d": "a 3d render of a {}", "noto": "a {} in Noto style", "twemoji": "a {} in Twemoji style",
            "flat": "a {}, flat style"}  # fmt: skip
GROUNDS = ((255, 255, 255), (250, 236, 214), (222, 238, 247), (232, 245, 228), (245, 228, 240))


@cache
def flags(cache_folder: Path) -> dict[str, dict[str, Pixels]]:
    """Return the pictures (64, 64, 3) of each flag by style."""
    base = fetch(EMOJIBASE, cache_folder)
    groups = json.loads(base.read("package/meta/groups.json"))["groups"]
    concepts = {}
    for entry in json.loads(base.read("package/en/data.json")):
        if groups.get(str(entry.get("group"))) == "flags" and entry["label"] in FLAGS:
            code = canonical(entry["hexcode"])
            concepts[code] = _concept(code, entry["label"])
    found: dict[str, dict[str, Pixels]] = {name: {} for name in FLAGS}
    for style in STYLES:
        for code, picture in _drawn(style, fetch(SETS[style].package, cache_folder), concepts).items():
            found[concepts[code].label][style] = composite(picture)
    return {name: styles for name, styles in found.items() if len(styles) == len(STYLES)}


def known(source: PictureSet, count: int) -> dict[str, dict[str, Pixels]]:
    """Return the pictures (64, 64, 3) of things that the model was trained on, by style."""
    labels, styles = (np.array(source.columns[column]) for column in ("label", "style"))
    return {
        name: {
            style: source.take(np.flatnonzero((labels == name) & (styles == style))[:1].tolist()).on()[0]
            for style in STYLES
        }
        for name in KNOWN[:count]
    }


@cache
def subject(name: str, cache_folder: Path) -> Pixels:
    """Return the drawing (64, 64, 4) of a thing in the set that it is taken from."""
    every = read_catalogue(fetch(EMOJIBASE, cache_folder))
    concepts = {code: concept for code, concept in every.items() if concept.label == name}
    return next(iter(_drawn(SUBJECTS[name], fetch(SETS[SUBJECTS[name]].package, cache_folder), concepts).values()))


def views(drawing: Pixels, count: int = 5, side: int = 96) -> list[Image.Image]:
    """Return pictures of one thing, each of another size, at another place, on another ground."""
    rng, pictures = np.random.default_rng(1), []
    for place in range(count):
        size = int(side * (0.62 + 0.34 * place / max(1, count - 1)))
        thing = Image.fromarray(drawing).resize((size, size), Image.Resampling.LANCZOS)
        picture = Image.new("RGB", (side, side), GROUNDS[place % len(GROUNDS)])
        left, top = rng.integers(0, side - size + 1, 2).tolist()
        picture.paste(thing, (left, top), thing)
        pictures.append(picture)
    return pictures


def written(pictures: Mapping[str, Pixels | Image.Image], folder: Path) -> list[Path]:
    """Write pictures under their names; returns the files in that order."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        image.save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in pictures]


def _drawn(style: str, tar: Tarball, concepts: Mapping[str, Concept]) -> dict[str, Pixels]:
    return {code: np.asarray(decode(draw(64)).convert("RGBA")) for code, draw in SETS[style].pictures(tar, concepts)}


def _concept(code: str, label: str) -> Concept:
    return Concept(code=code, base=code, label=label, tags=(), group="flags", subgroup="flag", version=1.0)
