"""Does the shapes model draw what the words say? Every attribute, by the exact reader, over three seeds."""

from collections import Counter
from typing import Any, Literal

import numpy as np

from benchmarks.kit.drawing import generator_of
from benchmarks.kit.intervals import share
from benchmarks.kit.run import run
from limn.data.shapes import matches, prompts, read_all, render
from limn.kernel.generator import Picture

KINDS: tuple[Literal["one", "two", "three"], ...] = ("one", "two", "three")
SPLITS: tuple[Literal["train", "pair"], ...] = ("train", "pair")
SEEDS = (0, 1, 2)


def accuracy(model: str, kind: Any, split: Any, count: int) -> dict[str, Any]:
    """Return the share of pictures with every attribute right, and of each attribute, with the reader's ceiling."""
    generator, right, asked_of = generator_of(model), Counter[str](), Counter[str]()
    by_seed, ceiling = [], 0
    for seed in SEEDS:
        asked = prompts(kind, count, seed, split=split)
        request = generator.request([want.text for want in asked], seed=1000 * seed)
        pictures = [event.pixels for event in generator.draw(request) if isinstance(event, Picture)]
        verdicts = [matches(*pair) for pair in zip(read_all(np.stack(pictures)), asked, strict=True)]
        for verdict in verdicts:
            right.update(name for name, fits in verdict.items() if fits)
            asked_of.update(verdict)
        by_seed.append(round(sum(verdict["all"] for verdict in verdicts) / count, 4))
        real = read_all(np.stack([render(want.scene) for want in asked]))
        ceiling += sum(matches(*pair)["all"] for pair in zip(real, asked, strict=True))
    total = count * len(SEEDS)
    return {
        "all": share(right["all"], total),
        "by seed": by_seed,
        "attributes": {name: round(right[name] / asked_of[name], 4) for name in asked_of},
        "reader on rendered pictures": round(ceiling / total, 4),
    }


def measure(*, prompts: int = 100, model: str = "shapes") -> dict[str, Any]:
    figures: dict[str, Any] = {"model": model, "seeds": list(SEEDS), "prompts": prompts}
    for split in SPLITS:
        for kind in KINDS:
            figures[f"{kind}, {split}"] = accuracy(model, kind, split, prompts)
            print(kind, split, figures[f"{kind}, {split}"]["all"], flush=True)
    return figures


if __name__ == "__main__":
    run(measure, quick={"prompts": 2})
