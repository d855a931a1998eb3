"""How many steps are enough? A judge's view of the emoji model's pictures against time, for each sampler.

The same prompts and seeds for every way; time is processor time of one thread, so that other programs do not count.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drawing import draw, generator_of, in_random_order
from benchmarks.judges import hits
from benchmarks.record import RESULTS, write
from benchmarks.unseen_words import ranked
from limn.audit.statistics.distances import frechet
from limn.data.pictograms import load
from limn.models.judges import judge

WAYS = {"euler": (4, 6, 8, 16, 30), "dpm": (4, 8, 16, 30), "ddim": (4, 8, 16, 30), "heun": (2, 4, 8)}
PLOT = Path(__file__).parents[1] / "docs" / "pictures" / "steps.svg"
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")


def main() -> None:
    """Measure and write ``results/steps.json`` and ``docs/pictures/steps.svg``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="emoji")
    arguments.add_argument("--judge", default="judge_b")
    arguments.add_argument("--prompts", type=int, default=48)
    arguments.add_argument("--data", type=Path, default=Path("data/pictograms"))
    arguments.add_argument("--plot", action="store_true", help="draw the committed results again")
    chosen = arguments.parse_args()
    if chosen.plot:
        plot(json.loads((RESULTS / "steps.json").read_text("utf-8")))
        return
    source, generator, one = load(chosen.data), generator_of(chosen.model), judge(chosen.judge)
    places = in_random_order(np.arange(len(source)), 500, seed=11).tolist()
    texts = [source.columns["captions"][place][0] for place in places]
    own, real = texts[: chosen.prompts], source.on()[places[: chosen.prompts]]
    figures: dict[str, Any] = {"model": chosen.model, "judge": chosen.judge, "prompts": chosen.prompts}
    right = [np.array([text == mine for text in texts]) for mine in own]
    told = one.images(real).double().numpy()

    def measured(pictures: Any) -> dict[str, Any]:
        close = one.similarity(pictures, texts).numpy()
        return {
            **hits(ranked(close, right)),
            "similarity to the caption": round(float(np.diag(close).mean()), 4),
            "Frechet distance by the judge": round(frechet(one.images(pictures).double().numpy(), told), 4),
        }

    figures["ways"] = {}
    for sampler, counts in WAYS.items():
        for steps in counts:
            pictures, seconds = draw(generator, own, sampler=sampler, steps=steps)
            found = {"steps": steps, "seconds": round(seconds, 4), **measured(pictures)}
            figures["ways"][f"{sampler}, {steps} steps"] = found
            print(sampler, found, flush=True)
    figures["ways"]["real pictures"] = measured(real)
    figures["knee"] = knee(figures["ways"])
    plot(figures)
    print(write("steps", figures))


def ways(figures: Mapping[str, Any], sampler: str) -> list[dict[str, Any]]:
    """Return a sampler's figures in the order of their steps."""
    return [each for name, each in figures["ways"].items() if name.startswith(f"{sampler}, ")]


def knee(found: Mapping[str, Any], within: float = 0.01) -> str:
    """Return the quickest way whose similarity is within a hundredth of the best."""
    found = {name: each for name, each in found.items() if "seconds" in each}
    best = max(each["similarity to the caption"] for each in found.values())
    near = [name for name, each in found.items() if each["similarity to the caption"] >= best - within]
    return min(near, key=lambda name: found[name]["seconds"])


def plot(figures: Mapping[str, Any]) -> None:
    """Draw similarity against seconds, one line a sampler, as SVG."""
    lines = {
        name: [(each["seconds"], each["similarity to the caption"], each["steps"]) for each in ways(figures, name)]
        for name in WAYS
    }
    every = [point for line in lines.values() for point in line]
    top, right = figures["ways"]["real pictures"]["similarity to the caption"], max(x for x, _, _ in every)
    floor = min(y for _, y, _ in every) - 0.02

    def at(x: float, y: float) -> tuple[float, float]:
        return 60 + 480 * x / right, 270 - 220 * (y - floor) / (top + 0.02 - floor)

    y = at(0, top)[1]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320" font-family="sans-serif" font-size="12">',
        '<rect width="640" height="320" fill="white"/><path d="M60 40V270H560" fill="none" stroke="black"/>',
        '<text x="60" y="22">Similarity of picture and caption by the judge, against seconds a picture</text>',
        f'<path d="M60 {y:.1f}H560" stroke="grey" stroke-dasharray="4"/><text x="565" y="{y + 4:.1f}">real</text>',
        f'<text x="540" y="300" text-anchor="end">processor seconds a picture, up to {right:.2g}</text>',
        *(f'<text x="52" y="{at(0, mark)[1] + 4:.1f}" text-anchor="end">{mark:.2f}</text>'
          for mark in np.arange(np.ceil(floor * 20) / 20, top + 0.01, 0.05)),
    ]  # fmt: skip
    for place, (name, line) in enumerate(lines.items()):
        colour, points = COLOURS[place], [at(x, y) for x, y, _ in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (_, _, steps) in zip(points, line, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"><title>{steps}</title></circle>')
            parts.append(f'<text x="{x + 4:.1f}" y="{y - 5:.1f}" font-size="9" fill="{colour}">{steps}</text>')
        parts.append(f'<text x="440" y="{190 + 16 * place}" fill="{colour}">{name}</text>')
    PLOT.parent.mkdir(exist_ok=True)
    PLOT.write_text("\n".join([*parts, "</svg>"]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
