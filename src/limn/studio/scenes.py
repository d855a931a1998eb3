"""Scenes of several things: each is drawn by its own words, then put in its place.

The idea of LLM-grounded diffusion (Lian et al. 2023, arXiv:2305.13655) with rules in place of the language model: a
layout is read from the words, things are drawn alone, a picture is composed of them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limn.data.captions import with_article
from limn.data.scenes import SIZES, THREE, TWO, Cell, cells
from limn.io.pictures import MAX_ENLARGED, read_picture
from limn.kernel.errors import InputError, LimnError
from limn.provenance.seal import Seal
from limn.store import read_record, write_png
from limn.store.run import slug

_WORDS: Final = {"small": "small|little|tiny", "big": "big|large|huge"}
_MORE: Final = {
    "row": ("{0} next to {1}", "{0} beside {1}", "{0} and {1} side by side"),
    "column": ("{0} over {1}", "{0} on top of {1}", "{0} on {1}", "{1} beneath {0}", "{1} underneath {0}"),
}  # fmt: skip
_LAST: Final = {"row": ("{0}, {1} and {2}", "{0} and {1}")}  # what also stands inside the others
_WHOLE: Final = 40  # characters of a name that surely holds all of a text's
_INK: Final = 240  # what is lighter in all colours is ground


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A thing of a scene.

    Args:
        words: What is drawn.
        size: ``small``, ``medium`` or ``big``.
        cell: Its part of the canvas, as shares of the sides: left, top, width, height.
    """

    words: str
    size: str
    cell: Cell


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Things and where they are.

    Args:
        kind: ``row``, ``column`` or ``triangle``.
        things: From left to right and from top to bottom.
    """

    kind: str
    things: tuple[Thing, ...]


def layout(text: str) -> Layout:
    """Read from words which things there are, how large, and where.

    Args:
        text: Two or three things with a relation, such as those that :mod:`limn.data.scenes` writes.

    Raises:
        InputError: The words name no two things.

    >>> [thing.words for thing in layout("a red heart below a small cat").things]
    ['a cat', 'a red heart']
    """
    words = re.sub(r"\s+", " ", text).strip(" .")
    for kind, pattern in _patterns():
        if match := pattern.fullmatch(words):
            named = [_sized(match[f"t{place}"].strip(" ,")) for place in range(pattern.groups)]
            given_sizes = {size for _, size in named if size}
            # Where one thing alone has a size, the others are its opposite; a big one needs a small one beside it.
            opposite = {frozenset({"big"}): "small", frozenset({"small"}): "medium"}
            other = opposite.get(frozenset(given_sizes), "medium")
            sizes = ["small" if len(named) > 2 else size or other for _, size in named]
            sizes = ["medium", "medium"] if sizes == ["big", "big"] else sizes
            things = zip(named, sizes, cells(kind, sizes), strict=True)
            return Layout(
                kind=kind,
                things=tuple(Thing(words=words, size=size, cell=cell) for (words, _), size, cell in things),
            )
    raise InputError(f"prompt: {text[:60]!r} names no two things with a place; say it as 'a cat above a red heart'")


def compose(parts: Sequence[NDArray[np.uint8]], layout: Layout) -> NDArray[np.uint8]:
    """Put things in their places on white.

    Args:
        parts: One picture (height, width, 3) on white for each thing, all of one size, which is the canvas's.
        layout: Where they are.

    Returns:
        (height, width, 3).
    """
    high, wide = parts[0].shape[:2]
    canvas = np.full((high, wide, 3), 255, np.uint8)
    for part, thing in zip(parts, layout.things, strict=True):
        shown = Image.fromarray(_framed(part))
        left, top, width, height = (share * side for share, side in zip(thing.cell, (wide, high) * 2, strict=True))
        side = sum(SIZES[thing.size]) / 2 * max(high, wide)
        scale = min(side / max(shown.size), width / shown.width, height / shown.height)
        w, h = (max(1, int(length * scale)) for length in shown.size)
        x, y = round(left + (width - w) / 2), round(top + (height - h) / 2)
        x, y = min(max(x, 0), wide - w), min(max(y, 0), high - h)
        canvas[y : y + h, x : x + w] = np.asarray(shown.resize((w, h), Image.Resampling.LANCZOS))
    return canvas


def write(parts: Sequence[Path], layout: Layout, text: str, number: int, seal: Seal | None = None) -> Path:
    """Compose a scene of files, beside them, whole or not at all; one that was made just so is kept.

    Args:
        parts: The file of each thing, or its larger copy.
        layout: Where they are.
        text: What the scene shows.
        number: Of the scenes of this text, from 0.
        seal: How it is marked and signed; neither if None.

    Returns:
        The file. Its record says what was asked, which files it was made of, and how they were drawn.

    Raises:
        StoreError: It cannot be written.
    """
    about = {
        "text": text,
        "layout": asdict(layout),
        "of": [{"file": part.name, "sha256": hashlib.sha256(part.read_bytes()).hexdigest()} for part in parts],
    }
    larger = re.search(r"-x\d+$", parts[0].stem)
    name = slug(text)
    if len(name) > _WHOLE:  # cut, so that another scene may begin like it
        name += f"-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
    path = parts[0].with_name(f"scene-{number:04d}{name}{larger[0] if larger else ''}.png")
    with suppress(LimnError):
        if read_record(path).get("scene") == json.loads(json.dumps(about)):
            return path
    pictures = [np.asarray(read_picture(part, max_pixels=MAX_ENLARGED)) for part in parts]
    shared = {name: value for name, value in read_record(parts[0]).items() if name in ("request", "seed")}
    pixels, record = compose(pictures, layout), {**shared, "prompt": text, "scene": about}
    if seal is not None:
        pixels, told = seal.marked(pixels, hashlib.sha256(text.encode()).hexdigest())
        record |= {"provenance": told}
    write_png(path, pixels, record, finish=seal.signed if seal is not None else bytes)
    return path


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut a picture to what is drawn on it."""
    ink = np.asarray(picture.min(axis=2) < _INK)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else picture


def _sized(name: str) -> tuple[str, str]:
    """Part a thing's name from its size.

    >>> _sized("a little owl"), _sized("big socks"), _sized("a cat")
    (('an owl', 'small'), ('socks', 'big'), ('a cat', ''))
    """
    for size, words in _WORDS.items():
        if match := re.fullmatch(rf"(an? )?(?:{words}) (.+)", name):
            return (with_article(match[2]) if match[1] else match[2]), size
    return name, ""


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Expressions for all ways of saying a layout, three things first, what says least last."""

    def each() -> Iterator[tuple[str, str]]:
        for ways in (THREE, TWO, _MORE, _LAST):
            for kind, phrases in ways.items():
                for phrase in phrases:
                    yield kind, phrase

    return tuple((kind, _expression(phrase)) for kind, phrase in each())


def _expression(phrase: str) -> re.Pattern[str]:
    """Turn a phrase with places such as ``{0}`` into an expression with groups such as ``t0``."""
    parts = re.split(r"\{(\d)\}", phrase)
    texts = (f"(?P<t{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile("".join(texts), re.IGNORECASE)
