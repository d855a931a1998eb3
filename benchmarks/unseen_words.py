"""Prompts in words that no caption has: paraphrases of style and phrase, and synonyms, by an independent judge.

The judge ranks pictures among the usual captions, so that the figure is the drawing's and not the judge's reading of
unusual words.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.drawing import draw, generator_of, in_random_order
from benchmarks.judges import concept, hits
from benchmarks.record import write
from limn.data.captions import name_of
from limn.data.pictograms import PictureSet, load
from limn.data.split import SPLITS
from limn.encoders.familiar import Vocabulary
from limn.kernel.generator import Generator
from limn.models import vocabulary
from limn.models.judges import Judge, judge

SAID = {
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
WAYS = 100


def main() -> None:
    """Measure and write ``results/unseen_words.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="emoji")
    arguments.add_argument("--judge", default="judge_b")
    arguments.add_argument("--prompts", type=int, default=200)
    arguments.add_argument("--each", type=int, default=2, help="pictures of each synonym")
    arguments.add_argument("--data", type=Path, default=Path("data/pictograms"))
    chosen = arguments.parse_args()
    generator, one, source = generator_of(chosen.model), judge(chosen.judge), load(chosen.data, SPLITS)
    seen = {caption for captions in source.columns["captions"] for caption in captions}
    figures: dict[str, Any] = {"model": chosen.model, "judge": chosen.judge, "ways": WAYS}
    found = paraphrases(generator, one, source, seen, chosen.prompts)
    print(found, flush=True)
    found |= synonyms(generator, one, source, seen, chosen.each, vocabulary(chosen.model))
    print(write("unseen_words", {**figures, "found among 100": found}), found)


def paraphrases(generator: Generator, one: Judge, source: PictureSet, seen: set[str], count: int) -> dict[str, Any]:
    """Draw seen pairs from unseen sentences; the judge ranks them, and real ones, among usual captions."""
    columns = source.columns
    train = np.flatnonzero(np.array(columns["split"]) == "train")
    places = in_random_order(train, count, seed=3).tolist()
    said = [
        SAID[columns["style"][place]][turn % 3].format(name_of(concept(source, place)))
        for turn, place in enumerate(places)
    ]
    assert not seen & set(said)
    usual = [columns["captions"][place][0] for place in places]
    meanings = [(columns["codepoint"][place], columns["style"][place]) for place in places]
    asked = {"drawn from usual captions": usual, "drawn from paraphrases": said}
    found: dict[str, Any] = {}
    for name, texts in asked.items():
        pictures, _ = draw(generator, texts)
        found[name] = hits(one.retrieval(pictures, usual, meanings=meanings, ways=WAYS))
    found["real pictures"] = hits(one.retrieval(source.on()[places], usual, meanings=meanings, ways=WAYS))
    return found


def synonyms(
    generator: Generator, one: Judge, source: PictureSet, seen: set[str], each: int, known: Vocabulary | None
) -> dict[str, Any]:
    """Draw words that no caption has, as they are and as ``--familiar`` reads them; right is what they stand for."""
    lists: Mapping[str, Mapping[str, list[str]]] = json.loads(SYNONYMS.read_text("utf-8"))
    all_said = " | ".join(seen).lower()
    words = {
        word: meant
        for part in lists.values()
        for word, meant in part.items()
        if not re.search(rf"\b{re.escape(word)}\b", all_said)
    }
    labels, places = np.unique(np.array(source.columns["label"]), return_index=True)
    names = [name_of(concept(source, place, tone="")) for place in places.tolist()]
    said = [word for word in words for _ in range(each)]
    right = {word: np.array([stands_for(label, meant) for label in labels]) for word, meant in words.items()}
    prompts = [f"a picture of a {word}" for word in said]
    ways = {f"drawn from {len(words)} unseen synonyms": prompts}
    if known is not None:
        read = [known(prompt) for prompt in prompts]
        share = sum(bool(reading.replaced) for reading in read) / len(read)
        ways[f"the same with --familiar, which replaces {share:.0%}"] = [reading.text for reading in read]
    found = {}
    for name, texts in ways.items():
        pictures, _ = draw(generator, texts)
        found[name] = hits(ranked(one.similarity(pictures, names).numpy(), [right[word] for word in said]))
    real = source.on()[[int(places[np.flatnonzero(mine)[0]]) for mine in right.values()]]
    ceiling = ranked(one.similarity(real, names).numpy(), list(right.values()))
    return {**found, "real pictures of the synonyms": hits(ceiling)}


def stands_for(label: str, meant: list[str]) -> bool:
    """Say whether a label holds one of the words that a synonym stands for."""
    return any(re.search(rf"\b{re.escape(word)}s?\b", label) for word in meant)


def ranked(close: NDArray[np.float32], right: list[NDArray[np.bool_]], seed: int = 0) -> NDArray[np.int64]:
    """Rank the best right name of each picture among 99 names that are not right."""
    rng, ranks = np.random.default_rng(seed), []
    for row, mine in zip(close, right, strict=True):
        others = rng.choice(np.flatnonzero(~mine), WAYS - 1, replace=False)
        ranks.append(1 + int((row[others] >= row[mine].max()).sum()))
    return np.array(ranks)


if __name__ == "__main__":
    main()
