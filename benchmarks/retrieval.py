"""Do the emoji model's pictures find their prompts among 100, by an independent judge? Real ones stand beside."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import limn.models
from benchmarks.judges import hits
from benchmarks.record import write
from limn.data.pictograms import PictureSet, load
from limn.data.split import SPLITS
from limn.kernel.generator import Generator, Picture
from limn.models.judges import Judge, judge

WORDS = {"train": "seen pairs", "pair": "held-out pairs", "cell": "held-out people"}


def main() -> None:
    """Measure and write ``results/retrieval.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="emoji")
    arguments.add_argument("--judge", default="judge_b")
    arguments.add_argument("--prompts", type=int, default=500, help="of each kind")
    arguments.add_argument("--data", type=Path, default=Path("data/pictograms"))
    arguments.add_argument("--steps", type=int)
    arguments.add_argument("--scale", type=float)
    arguments.add_argument("--dry", action="store_true", help="print, write nothing")
    chosen = arguments.parse_args()
    generator, source = limn.models.load(chosen.model), load(chosen.data, SPLITS)
    assert isinstance(generator, Generator)
    options: dict[str, Any] = {"steps": chosen.steps}
    if chosen.scale is not None:
        options["guidance"] = [f"classifier_free:scale={chosen.scale}"]
    one = judge(chosen.judge)
    figures: dict[str, Any] = {"model": chosen.model, "judge": chosen.judge, "ways": 100}
    for split, words in WORDS.items():
        figures[words] = measure(generator, one, source, split, chosen.prompts, options)
        print(words, figures[words], flush=True)
    if not chosen.dry:
        print(write("retrieval", figures))


def measure(
    generator: Generator, one: Judge, source: PictureSet, split: str, count: int, options: dict[str, Any]
) -> dict[str, Any]:
    """Return how often drawn and real pictures of a split find their prompts."""
    columns, rng = source.columns, np.random.default_rng(0)
    places = np.flatnonzero(np.array(columns["split"]) == split)
    places = rng.permutation(places)[:count]
    texts = [columns["captions"][place][0] for place in places]
    meanings = [(columns["codepoint"][place], columns["style"][place]) for place in places]
    request = generator.request(texts, seed=1000, **options)
    drawn = np.stack([each.pixels for each in generator.draw(request) if isinstance(each, Picture)])
    real = source.on()[places]
    ways = min(100, len(set(meanings)))
    return {
        "prompts": len(texts),
        "ways": ways,
        "drawn": hits(one.retrieval(drawn, texts, meanings=meanings, ways=ways)),
        "real": hits(one.retrieval(real, texts, meanings=meanings, ways=ways)),
    }


if __name__ == "__main__":
    main()
