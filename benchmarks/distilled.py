"""Does a model with its guidance learned in draw as well in half the time? Prompts and seeds alike."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drawing import draw, generator_of, in_random_order
from benchmarks.judges import hits
from benchmarks.record import write
from benchmarks.steering.common import paired
from benchmarks.unseen_words import ranked
from limn.audit.statistics.distances import frechet
from limn.data.pictograms import load
from limn.models.judges import judge
from limn.train.export import export

OUT = Path("runs/claims/distilled")


def main() -> None:
    """Measure and write ``results/distilled.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pupil", type=Path, default=Path("runs/train/emoji_fast"), help="training folder")
    arguments.add_argument("--prompts", type=int, default=200)
    arguments.add_argument("--data", type=Path, default=Path("data/pictograms"))
    chosen = arguments.parse_args()
    export(chosen.pupil, OUT, defaults={"scale": 1.0, "steps": generator_of("emoji").stages[0].steps})
    source, one = load(chosen.data), judge("judge_b")
    places = in_random_order(np.arange(len(source)), 500, seed=13).tolist()
    texts = [source.columns["captions"][place][0] for place in places]
    own, real = texts[: chosen.prompts], source.on()[places[: chosen.prompts]]
    right = [np.array([text == mine for text in texts]) for mine in own]
    told = one.images(real).double().numpy()
    figures: dict[str, Any] = {"judge": "judge_b", "prompts": chosen.prompts}
    scores = {}
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "guided, two rows a step": ("emoji", {}),
        "not guided, one row": ("emoji", {"guidance": []}),
        "guidance learned in, one row": (str(OUT), {}),
    }
    for name, (model, options) in ways.items():
        pictures, seconds = draw(generator_of(model), own, **options)
        close = one.similarity(pictures, texts).numpy()
        scores[name] = np.diag(close).astype(float)
        figures[name] = {
            **hits(ranked(close, right)),
            "similarity to the caption": round(float(scores[name].mean()), 4),
            "Frechet distance by the judge": round(frechet(one.images(pictures).double().numpy(), told), 4),
            "processor seconds a picture": round(seconds, 4),
        }
        print(name, figures[name], flush=True)
    two, none, learned = scores.values()
    figures["similarity, learned in less guided"] = paired(learned, two)
    figures["similarity, learned in less not guided"] = paired(learned, none)
    times = [figures[name]["processor seconds a picture"] for name in ways]
    figures["time, learned in over guided"] = round(times[2] / times[0], 3)
    print(write("distilled", figures))


if __name__ == "__main__":
    main()
