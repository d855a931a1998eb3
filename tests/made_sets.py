"""Labelled sets by an oracle whose label noise is planted, for tests and for the process that they kill."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Ask
from limn.audit.sources import Drawing, FromOracle
from limn.data.shapes import COLOURS, PLACES, Object, Scene, render
from limn.synth.classes import Classes, Thing, read_classes
from limn.synth.judge import Judge, open_judge
from limn.synth.making import Choice, Made, make
from limn.synth.recipes.name import Name

SHAPES = ("circle", "square", "triangle")
CLASSES = "".join(f'[classes.{shape}]\nhypernym = "shape"\n' for shape in SHAPES)


def classes() -> Classes:
    return Classes(things=tuple(Thing(label=shape, name=shape, value=shape) for shape in SHAPES))


def picture(shape: str, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng([seed, SHAPES.index(shape)])
    size, texture = [("large", "solid"), ("large", "striped"), ("small", "solid")][rng.integers(3)]
    thing = Object(
        shape=shape, colour=str(rng.choice(list(COLOURS))), size=size, texture=texture,
        place=str(rng.choice(list(PLACES))),
    )  # fmt: skip
    return render(Scene(background="white", objects=(thing,)))


def noisy(ask: Ask, seed: int, *, noise: float = 0.0) -> NDArray[np.uint8] | None:
    """Draw the next shape in place of the one that was asked for, with a planted probability; seed 3 fails."""
    if seed == 3:
        return None
    place = SHAPES.index(ask.slots["class"])
    wrong = np.random.default_rng([seed, place, 7]).random() < noise
    return picture(SHAPES[(place + wrong) % len(SHAPES)], seed)


@dataclass(frozen=True, kw_only=True, eq=False)
class Slow(FromOracle):
    """Draws in small batches, and takes its time."""

    batch: int = 5
    seconds: float = 0.0

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        time.sleep(self.seconds)
        return super().draw(asks, seeds)


def source(noise: float = 0.0, seconds: float = 0.0) -> Slow:
    return Slow(picture=partial(noisy, noise=noise), version=f"{noise}", seconds=seconds)


def judge() -> Judge:
    return open_judge("shapes", classes())


def make_set(
    folder: Path, n: int = 20, *, noise: float = 0.0, choice: Choice | None = None, **given: object
) -> Made:
    asks = Name().asks(classes(), n)
    for event in make(asks, source(noise), folder, judge=judge(), choice=choice, **given):  # type: ignore[arg-type]
        if isinstance(event, Made):
            return event
    raise AssertionError


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    known = read_classes(Path(sys.argv[2]))
    asks = Name().asks(known, 20)
    for event in make(asks, source(0.2, 0.05), Path(sys.argv[1]), judge=judge()):
        print(event if hasattr(event, "stage") else "done", flush=True)
