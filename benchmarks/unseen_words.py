"""Prompts in words that no caption has: paraphrases of style and phrase, and synonyms, by an independent judge.

The judge ranks pictures among the usual captions, so that the figure is the drawing's and not the judge's reading of
unusual words.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import draw
from benchmarks.kit.judging import WAYS, captions, found_by, hits, places_of, ranked, some
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data.captions import name_of
from limn.data.catalogue import from_columns
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS
from limn.models import vocabulary
from limn.models.judges import Judge, judge

PARAPHRASES = {
    "3d": ("a volumetric CGI image depicting {}", "{} sculpted in glossy plastic", "three-dimensional clip art: {}"),
    "noto": ("a sticker by Google depicting {}, noto", "noto illustration portraying {}", "noto clip art: {}"),
    "twemoji": (
        "a sticker from Twitter depicting {}, twemoji",
        "twemoji illustration of {}",
        "twemoji clip art: {}",
    ),
    "flat": ("a minimal flat illustration depicting {}", "{} as a flat sticker", "flat graphic portraying {}"),
}
SYNONYMS = Path(__file__).with_name("text_synonyms.json")


def measure(
    *, model: str = "emoji", judged_by: str = "judge_b", prompts: int = 200, each: int = 2, data: Path = PICTOGRAMS
) -> dict[str, Any]:
    """Return how often pictures of paraphrases and of synonyms, ``each`` of so many, are found."""
    one, source = judge(judged_by), load(data, SPLITS)
    seen = {caption for captions in source.columns["captions"] for caption in captions}
    found = paraphrases(model, one, source, seen, prompts)
    print(found, flush=True)
    found |= synonyms(model, one, source, seen, each)
    return {"model": model, "judge": judged_by, "ways": WAYS, "found among 100": found}


def paraphrases(model: str, one: Judge, source: PictureSet, seen: set[str], count: int) -> dict[str, Any]:
    """Draw seen pairs from unseen sentences; the judge ranks them, and real ones, among usual captions."""
    asked = source.take(some(places_of(source, "train"), count, seed=3))
    paraphrased = [
        PARAPHRASES[style][turn % 3].format(name_of(from_columns(asked.columns, turn)))
        for turn, style in enumerate(asked.columns["style"])
    ]
    assert not seen & set(paraphrased)
    pictures = {
        "drawn from usual captions": draw(model, captions(asked)).pixels,
        "drawn from paraphrases": draw(model, paraphrased).pixels,
        "real pictures": asked.on(),
    }
    return {name: found_by(one, pixels, asked) for name, pixels in pictures.items()}


def synonyms(model: str, one: Judge, source: PictureSet, seen: set[str], each: int) -> dict[str, Any]:
    """Draw words that no caption has, as they are and as ``--familiar`` reads them; right is what they stand for."""
    lists: Mapping[str, Mapping[str, list[str]]] = json.loads(SYNONYMS.read_text("utf-8"))
    labels, places = np.unique(np.array(source.columns["label"]), return_index=True)
    names = [name_of(from_columns(source.columns, place, tone="")) for place in places.tolist()]
    all_seen = " | ".join(seen).lower()
    right = {
        word: np.array([stands_for(label, meant) for label in labels])
        for part in lists.values()
        for word, meant in part.items()
        if not re.search(rf"\b{re.escape(word)}\b", all_seen)
    }
    right = {word: fits for word, fits in right.items() if fits.any()}
    prompts = [f"a picture of a {word}" for word in right for _ in range(each)]
    own = [fits for fits in right.values() for _ in range(each)]
    ways, known = {f"drawn from {len(right)} unseen synonyms": prompts}, vocabulary(model)
    if known is not None:
        read = [known(prompt) for prompt in prompts]
        replaced = sum(bool(reading.replaced) for reading in read) / len(read)
        ways[f"the same with --familiar, which replaces {replaced:.0%}"] = [reading.text for reading in read]

    def found(pictures: Any, fits: list[NDArray[np.bool_]]) -> dict[str, Any]:
        return hits(ranked(one.similarity(pictures, names).numpy(), fits))

    real = source.on()[[int(places[np.flatnonzero(fits)[0]]) for fits in right.values()]]
    return {
        **{name: found(draw(model, texts).pixels, own) for name, texts in ways.items()},
        "real pictures of the synonyms": found(real, list(right.values())),
    }


def stands_for(label: str, meant: list[str]) -> bool:
    """Say whether a label holds one of the words that a synonym stands for."""
    return any(re.search(rf"\b{re.escape(word)}s?\b", label) for word in meant)


if __name__ == "__main__":
    run(measure, quick={"prompts": 3, "each": 1})
