"""The two worlds in which token models are compared: what is asked, how it is read, which models there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import limn.models
from benchmarks.record import wilson
from benchmarks.steering.common import frechet, mean
from limn.data.pictograms import PictureSet, load
from limn.data.shapes import Asked, matches, prompts, read_all, render
from limn.data.split import SPLITS
from limn.kernel.generator import Generator, Picture
from limn.kernel.runner import Ledger
from limn.models.judges import Judge, judge
from limn.train.checkpoint import load as checkpoint
from limn.train.export import export

__all__ = [
    "SCRATCH",
    "Drawing",
    "Pictograms",
    "Pixels",
    "Shapes",
    "World",
    "draw",
    "folder_of",
    "generator",
    "world",
]

SCRATCH = Path("runs/claims/tokens")
TRAINED = Path("runs/train")
SPREAD = 8
Pixels = NDArray[np.uint8]
Scores = NDArray[np.float64]


class World(ABC):
    """What is asked of the models of a world, and how their pictures are read.

    ``names`` are the masked, the autoregressive and the diffusion model, all of one size.
    """

    title: str
    names: tuple[str, str, str]
    finer: str
    ranking: str
    count: int

    @abstractmethod
    def ask(self, count: int, seed: int) -> list[Any]:
        """Return what is asked; the same for the same seed."""

    @abstractmethod
    def text(self, asked: Any) -> str:
        """Return the prompt."""

    @abstractmethod
    def real(self, asked: Sequence[Any]) -> Pixels:
        """Return true pictures of what is asked."""

    @abstractmethod
    def judge(self) -> Judge:
        """Return the dual encoder whose features distances are taken in."""

    @abstractmethod
    def scores(self, pixels: Pixels, asked: Sequence[Any]) -> Scores:
        """Return one number for each picture, greater for a better fit."""

    @abstractmethod
    def quality(self, pixels: Pixels, asked: Sequence[Any]) -> dict[str, Any]:
        """Return shares of pictures that fit, each with its interval; the first one is what is plotted."""

    def texts(self, asked: Sequence[Any]) -> list[str]:
        """Return all prompts."""
        return [self.text(each) for each in asked]

    def features(self, pixels: Pixels) -> Scores:
        """Return the judge's vector of each picture."""
        return np.asarray(self.judge().images(pixels).double().numpy())

    def figures(self, pixels: Pixels, asked: Sequence[Any], seeds: int) -> dict[str, Any]:
        """Return everything about pictures of as many prompts for each seed; distances to true pictures of those."""
        drawn, real = self.features(pixels), self.features(self.real(asked))
        parts = zip(np.split(drawn, seeds), np.split(real, seeds), strict=True)
        return {
            **self.quality(pixels, asked),
            "score": mean(self.scores(pixels, asked)),
            "frechet": round(frechet(drawn, real), 4),
            "frechet by seed": [round(frechet(*each), 4) for each in parts],
        }


class Shapes(World):
    """Shapes, read exactly; the score is a picture's share of attributes that are right."""

    title = "shapes"
    names = ("muse_shapes", "parti_shapes", "flow_shapes")
    finer = "muse_shapes_super"
    ranking = "shapes_guide"
    count = 40

    def ask(self, count: int, seed: int) -> list[Asked]:
        """Return prompts of one and of two things."""
        return [*prompts("one", count // 2, seed), *prompts("two", count - count // 2, seed)]

    def text(self, asked: Asked) -> str:
        return asked.text

    def real(self, asked: Sequence[Asked]) -> Pixels:
        return np.stack([render(each.scene) for each in asked])

    def judge(self) -> Judge:
        return _judge("shapes_guide")

    def scores(self, pixels: Pixels, asked: Sequence[Asked]) -> Scores:
        right = self._read(pixels, asked)
        return np.array([np.mean([fits for name, fits in each.items() if name != "all"]) for each in right])

    def quality(self, pixels: Pixels, asked: Sequence[Asked]) -> dict[str, Any]:
        whole = sum(each["all"] for each in self._read(pixels, asked))
        return {"attributes": mean(self.scores(pixels, asked)), "all right": wilson(whole, len(asked))}

    def _read(self, pixels: Pixels, asked: Sequence[Asked]) -> list[dict[str, bool]]:
        return [matches(reading, want) for reading, want in zip(read_all(pixels), asked, strict=True)]


class Pictograms(World):
    """Pictograms, read by a judge from the other half of the data; the score is the cosine of picture and prompt."""

    title = "pictograms"
    names = ("muse", "parti", "flow")
    finer = "muse_super"
    ranking = "judge_a"
    count = 36

    def ask(self, count: int, seed: int) -> list[int]:
        """Return places of pictograms, half of them of the training split and half of held-out combinations."""
        splits, rng = np.array(_source().columns["split"]), np.random.default_rng([7, seed])
        seen, unseen = (rng.permutation(np.flatnonzero(splits == name)) for name in ("train", "pair"))
        return [*seen[: count // 2].tolist(), *unseen[: count - count // 2].tolist()]

    def text(self, asked: int) -> str:
        return str(_source().columns["captions"][asked][0])

    def real(self, asked: Sequence[int]) -> Pixels:
        return _source().take(list(asked)).on()

    def judge(self) -> Judge:
        return _judge("judge_b")

    def scores(self, pixels: Pixels, asked: Sequence[int]) -> Scores:
        close = self.judge().images(pixels) * self.judge().texts(self.texts(asked))
        return np.asarray(close.sum(1).double().numpy())

    def quality(self, pixels: Pixels, asked: Sequence[int]) -> dict[str, Any]:
        columns = _source().columns
        meanings = [(columns["codepoint"][place], columns["style"][place]) for place in asked]
        ways = min(100, len(set(meanings)))
        ranks = self.judge().retrieval(pixels, self.texts(asked), meanings=meanings, ways=ways)
        return {f"found among {ways}": wilson(int((ranks == 1).sum()), len(ranks))}


@cache
def _judge(name: str) -> Judge:
    return judge(name)


@cache
def _source() -> PictureSet:
    return load(Path("data/pictograms"), SPLITS)


def world(name: str) -> World:
    """Return a world by its name."""
    return {"shapes": Shapes, "pictograms": Pictograms}[name]()


@cache
def folder_of(name: str, finer: str = "") -> Path:
    """Return the folder of a model: of its training run as it is now, or else the one that ships.

    Args:
        name: Of the recipe.
        finer: Training run of a stage that refines it.
    """
    trained = TRAINED / name
    state = checkpoint(trained)
    if state is None:
        if finer or name not in limn.models.names():
            raise SystemExit(f"{name}: neither {trained} nor a shipped model; run `limn train {name}` first")
        return limn.models.locate(name)
    out = SCRATCH / "models" / "-".join(filter(None, [name, finer, str(state.step)]))
    if not (out / "card.json").exists():
        export(trained, out, finer=TRAINED / finer if finer else None)
    return out


@cache
def generator(name: str, finer: str = "") -> Generator:
    """Load a model once."""
    return limn.models.load(folder_of(name, finer))


class Drawing:
    """Pictures (prompts, tries, height, width, 3) and the forward passes that one batch of them took."""

    def __init__(self, pixels: Pixels, forwards: int) -> None:
        self.pixels, self.forwards = pixels, forwards


def draw(model: Generator, texts: Sequence[str], *, seed: int, n: int = 1, **options: Any) -> Drawing:
    """Draw each prompt ``n`` times; of 8 prompts no two have the same random numbers."""
    found: dict[tuple[int, int], Pixels] = {}
    ledger = Ledger()
    for first in range(min(SPREAD, len(texts))):
        places, ledger = range(first, len(texts), SPREAD), Ledger()
        request = model.request([texts[place] for place in places], n=n, seed=seed + 100 * first, **options)
        for each in model.draw(request, batch=n * len(places), ledger=ledger):
            if isinstance(each, Picture):
                found[places[each.item.index // n], each.item.index % n] = each.pixels
    flat = np.stack([found[key] for key in sorted(found)])
    return Drawing(flat.reshape(len(texts), n, *flat.shape[1:]), len(ledger.forwards))
