"""The two worlds in which token models are compared: what is asked, how it is read, which models there are."""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import limn.models
from benchmarks.kit.drawing import Pixels
from benchmarks.kit.intervals import mean, share
from benchmarks.kit.judging import captions, close_to, found_by, meanings, places_of, vectors
from benchmarks.kit.run import PICTOGRAMS
from limn.audit.statistics.distances import frechet
from limn.data.picture_set import PictureSet, load
from limn.data.shapes import Asked, matches, prompts, read_all, render
from limn.data.split import SPLITS
from limn.kernel.generator import Generator
from limn.models.judges import Judge, judge
from limn.train.checkpoint import load as checkpoint
from limn.train.export import export

SCRATCH = Path("runs/claims/tokens")
TRAINED = Path("runs/train")
Scores = NDArray[np.float64]


class Shapes:
    """Shapes, read exactly; the score is a picture's share of attributes that are right.

    ``names`` are the masked, the autoregressive and the diffusion model, all of one size; distances are taken in the
    features of the judge ``judged_by``.
    """

    title = "shapes"
    names = ("muse_shapes", "parti_shapes", "flow_shapes")
    ranking = judged_by = "shapes_guide"
    count = 40

    @cached_property
    def judge(self) -> Judge:
        return judge(self.judged_by)

    def ask(self, count: int, seed: int) -> list[Any]:
        """Return what is asked; the same for the same seed."""
        return [*prompts("one", count // 2, seed), *prompts("two", count - count // 2, seed)]

    def texts(self, asked: Sequence[Any]) -> list[str]:
        """Return the prompts."""
        return [want.text for want in asked]

    def real(self, asked: Sequence[Any]) -> Pixels:
        """Return true pictures of what is asked."""
        return np.stack([render(want.scene) for want in asked])

    def scores(self, pixels: Pixels, asked: Sequence[Any]) -> Scores:
        """Return one number for each picture, greater for a better fit."""
        return np.array([np.mean([fits for name, fits in row.items() if name != "all"])
                         for row in verdicts(pixels, asked)])  # fmt: skip

    def quality(self, pixels: Pixels, asked: Sequence[Any]) -> dict[str, Any]:
        """Return shares of pictures that fit, each with its interval; the first one is what is plotted."""
        whole = sum(row["all"] for row in verdicts(pixels, asked))
        return {"attributes": mean(self.scores(pixels, asked)), "all right": share(whole, len(asked))}

    def figures(self, pixels: Pixels, asked: Sequence[Any], seeds: int) -> dict[str, Any]:
        """Return everything about pictures of as many prompts for each seed; distances to true pictures of those."""
        drawn, real = (vectors(self.judge, some) for some in (pixels, self.real(asked)))
        parts = zip(np.split(drawn, seeds), np.split(real, seeds), strict=True)
        return {
            **self.quality(pixels, asked),
            "score": mean(self.scores(pixels, asked)),
            "frechet": round(frechet(drawn, real), 4),
            "frechet by seed": [round(frechet(*pair), 4) for pair in parts],
        }


def verdicts(pixels: Pixels, asked: Sequence[Asked]) -> list[dict[str, bool]]:
    return [matches(*pair) for pair in zip(read_all(pixels), asked, strict=True)]


class Pictograms(Shapes):
    """Pictograms, read by a judge from the other half of the data; the score is the cosine of picture and prompt."""

    title = "pictograms"
    names = ("muse", "parti", "flow")
    ranking, judged_by = "judge_a", "judge_b"
    count = 36

    def ask(self, count: int, seed: int) -> list[Any]:
        rng = np.random.default_rng([7, seed])
        seen, unseen = (rng.permutation(places_of(_source(), split)) for split in ("train", "pair"))
        return [*seen[: count // 2].tolist(), *unseen[: count - count // 2].tolist()]

    def texts(self, asked: Sequence[Any]) -> list[str]:
        return captions(_source().take(list(asked)))

    def real(self, asked: Sequence[Any]) -> Pixels:
        return _source().take(list(asked)).on()

    def scores(self, pixels: Pixels, asked: Sequence[Any]) -> Scores:
        return close_to(self.judge, pixels, self.texts(asked))

    def quality(self, pixels: Pixels, asked: Sequence[Any]) -> dict[str, Any]:
        some = _source().take(list(asked))
        ways = min(100, len(set(meanings(some))))
        return {f"found among {ways}": found_by(self.judge, pixels, some)["top-1"]}


@cache
def _source() -> PictureSet:
    return load(PICTOGRAMS, SPLITS)


def available(name: str) -> bool:
    return name in limn.models.names() or checkpoint(TRAINED / name) is not None


@cache
def folder_of(name: str) -> Path:
    """Return the folder of a recipe's model: of its training run as it is now, or else the one that ships."""
    state = checkpoint(TRAINED / name)
    if state is None:
        if name not in limn.models.names():
            raise SystemExit(f"{name}: neither {TRAINED / name} nor a shipped model; run `limn train {name}` first")
        return limn.models.locate(name)
    out = SCRATCH / "models" / f"{name}-{state.step}"
    if not (out / "card.json").exists():
        export(TRAINED / name, out)
    return out


@cache
def generator(name: str) -> Generator:
    return limn.models.load(folder_of(name))
