"""What the parts share: pictures by concept, prompts with pictures, and the judge that scores."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.kit.drawing import Drawn, Pixels, draw
from benchmarks.kit.intervals import share
from benchmarks.kit.results import OUT, kept
from limn.data.captions import with_article
from limn.data.picture_set import PictureSet
from limn.data.split import STYLES
from limn.models.judges import Judge
from limn.train.worlds.pictograms import Pictograms

JUDGE = "judge_b"
"""Scores; it fed no stream, and no retrieval looks through its eyes."""

UNSEEN = 0.12
"""Share of concepts that no stream was shown, as the recipe conditioned says."""

WORDS = dict(Pictograms.styles)


def png(pixels: Pixels) -> bytes:
    """Return a picture (height, width, 3) as PNG bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def styled(label: str, style: str) -> str:
    """Return the words for a thing in a style."""
    return WORDS[style].format(with_article(label))


def ask(model: Any, prompts: Sequence[Any], seeds: int, **options: Any) -> Drawn:
    """Draw each prompt with several seeds, all of one prompt after another."""
    return draw(model, prompts, n=seeds, **options)


def remembered(part: str, name: str, measure: Callable[[], Any]) -> Any:
    """Measure, or return what an earlier run of this part kept under the name."""
    import os

    folder = Path(os.environ.get(OUT, "runs")) / "conditions" / part
    return kept(folder / f"{name}.json", measure)


def top1(
    judge: Judge, pictures: Pixels, texts: Sequence[str], seeds: int, meanings: Sequence[Any]
) -> dict[str, float]:
    """Return how often pictures find their texts among 100, each text drawn with several seeds."""
    told, own = [text for text in texts for _ in range(seeds)], [one for one in meanings for _ in range(seeds)]
    ways = min(100, len(set(own)))
    ranks = judge.retrieval(pictures, told, meanings=own, ways=ways)
    return share(int((ranks == 1).sum()), len(ranks))


def chosen(close: NDArray[Any], right: Sequence[int]) -> dict[str, float]:
    """Return how often the right column is the largest."""
    return share(int((close.argmax(1) == np.array(right)).sum()), len(close))


def styles_right(judge: Judge, pictures: Pixels, labels: Sequence[str], styles: Sequence[str]) -> dict[str, float]:
    """Return how often a picture of a thing fits the words for its style better than those for the three others."""
    texts = [styled(label, style) for label in labels for style in STYLES]
    words = judge.texts(texts).view(len(labels), len(STYLES), -1)
    close = (judge.images(pictures)[:, None] * words).sum(2).numpy()
    return chosen(close, [STYLES.index(style) for style in styles])  # type: ignore[arg-type]


def by_concept(source: PictureSet) -> dict[str, dict[str, int]]:
    """Return the place of each concept's picture in each style, of concepts without skin tones."""
    places: dict[str, dict[str, int]] = {}
    for place, (label, style, tone) in enumerate(
        zip(*(source.columns[name] for name in ("label", "style", "tone")), strict=True)
    ):
        if tone in ("", "yellow"):
            places.setdefault(label, {})[style] = place
    return places
