"""Does the shapes model draw what the words say? Every attribute, by the exact reader, over three seeds."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any, Literal

import numpy as np

import limn.models
from benchmarks.record import wilson, write
from limn.data.shapes import matches, prompts, read_all, render

KINDS: tuple[Literal["one", "two", "three"], ...] = ("one", "two", "three")
SPLITS: tuple[Literal["train", "pair"], ...] = ("train", "pair")
SEEDS = (0, 1, 2)


def main() -> None:
    """Draw, read and write ``results/shapes_accuracy.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--prompts", type=int, default=100, help="prompts of each kind and seed")
    arguments.add_argument("--model", default="shapes")
    chosen = arguments.parse_args()
    generator = limn.models.load(chosen.model)
    figures: dict[str, Any] = {"model": chosen.model, "seeds": list(SEEDS), "prompts": chosen.prompts}
    for split in SPLITS:
        for kind in KINDS:
            figures[f"{kind}, {split}"] = measure(generator, kind, split, chosen.prompts)
            print(kind, split, figures[f"{kind}, {split}"]["all"])
    print(write("shapes_accuracy", figures))


def measure(generator: Any, kind: Any, split: Any, count: int) -> dict[str, Any]:
    """Return the share of pictures with every attribute right, and of each attribute, with the reader's ceiling."""
    right: Counter[str] = Counter()
    asked_of: Counter[str] = Counter()
    by_seed, ceiling = [], 0
    for seed in SEEDS:
        asked = prompts(kind, count, seed, split=split)
        request = generator.request([each.text for each in asked], seed=1000 * seed)
        pictures = [each for each in generator.draw(request) if hasattr(each, "pixels")]
        good = 0
        for reading, want in zip(read_all(np.stack([each.pixels for each in pictures])), asked, strict=True):
            verdict = matches(reading, want)
            good += verdict["all"]
            right.update(name for name, fits in verdict.items() if fits)
            asked_of.update(verdict)
        by_seed.append(round(good / count, 4))
        real = read_all(np.stack([render(each.scene) for each in asked]))
        ceiling += sum(matches(reading, want)["all"] for reading, want in zip(real, asked, strict=True))
    total = count * len(SEEDS)
    each_one = {name: round(right[name] / asked_of[name], 4) for name in asked_of}
    return {
        "all": wilson(right["all"], total),
        "by seed": by_seed,
        "attributes": each_one,
        "reader on rendered pictures": round(ceiling / total, 4),
    }


if __name__ == "__main__":
    main()
