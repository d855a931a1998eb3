"""Pictograms by independent judges: what is asked, and how often a picture finds its caption among others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import Pixels
from benchmarks.kit.intervals import share
from limn.audit.statistics.distances import frechet
from limn.data.picture_set import PictureSet
from limn.models.judges import Judge

WAYS = 100


def places_of(source: PictureSet, split: str = "") -> NDArray[np.int64]:
    """Return the places of a split, or all."""
    return np.flatnonzero(np.array(source.columns["split"]) == split) if split else np.arange(len(source))


def some(places: NDArray[Any], count: int, seed: int = 0) -> list[int]:
    """Return so many places, in an order that the seed decides."""
    return np.random.default_rng(seed).permutation(places)[:count].tolist()  # type: ignore[no-any-return]


def captions(source: PictureSet) -> list[str]:
    """Return the full caption of each picture."""
    return [names[0] for names in source.columns["captions"]]


def meanings(source: PictureSet) -> list[tuple[str, str]]:
    """Return thing and style of each picture: those of equal meaning are not held against each other."""
    return list(zip(source.columns["codepoint"], source.columns["style"], strict=True))


def vectors(judge: Judge, pictures: Any) -> NDArray[np.float64]:
    """Return a judge's unit vector of each picture."""
    return np.asarray(judge.images(pictures).double().numpy())


def close_to(judge: Judge, pictures: Any, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the cosine of each picture and its text."""
    return np.asarray((judge.images(pictures) * judge.texts(list(texts))).sum(1).double().numpy())


def hits(ranks: NDArray[np.int64]) -> dict[str, Any]:
    """Return the shares of ranks of 1 and of at most 5."""
    return {f"top-{k}": share(int((ranks <= k).sum()), len(ranks)) for k in (1, 5)}


def found_by(
    judge: Judge, pictures: Any, asked: PictureSet, texts: Sequence[str] = (), ways: int = WAYS
) -> dict[str, Any]:
    """Return how often pictures find their captions among others that mean something else."""
    mean, texts = meanings(asked), texts or captions(asked)
    return hits(judge.retrieval(pictures, texts, meanings=mean, ways=min(ways, len(set(mean)))))


def ranked(close: NDArray[Any], right: Sequence[NDArray[np.bool_]], seed: int = 0) -> NDArray[np.int64]:
    """Rank the best right name of each picture among 99 names that are not right."""
    rng, ranks = np.random.default_rng(seed), []
    for row, own in zip(close, right, strict=True):
        wrong = np.flatnonzero(~own)
        others = rng.choice(wrong, min(WAYS - 1, len(wrong)), replace=False)
        ranks.append(1 + int((row[others] >= row[own].max()).sum()))
    return np.array(ranks)


class Panel:
    """A judge before pictures of the same prompts, each ranked among 500 captions, real pictures beside them.

    Args:
        judge: Who judges.
        source: Pictograms.
        prompts: How many are asked for.
        seed: Decides which.
    """

    def __init__(self, judge: Judge, source: PictureSet, prompts: int, seed: int) -> None:
        pool = source.take(some(places_of(source), 500, seed))
        self.judge, self.texts = judge, captions(pool)
        self.prompts, self.real = self.texts[:prompts], pool.on()[:prompts]
        self.right = [np.array([text == own for text in self.texts]) for own in self.prompts]
        self.told = vectors(judge, self.real)

    def figures(self, pictures: Pixels) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """Return shares, mean similarity and distance to real pictures; and the similarity of each picture."""
        close = self.judge.similarity(pictures, self.texts).numpy()
        own = np.diag(close).astype(float)
        return {
            **hits(ranked(close, self.right)),
            "similarity to the caption": round(float(own.mean()), 4),
            "Frechet distance by the judge": round(frechet(vectors(self.judge, pictures), self.told), 4),
        }, own
