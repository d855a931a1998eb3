"""Compare recipes at equal processor time: ``python -m benchmarks.recipes``, going on where it stopped."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.recipes.plot import plot
from benchmarks.recipes.trial import LOOKS, PICTURES, SCALE, STEPS, WAYS, run
from benchmarks.recipes.variants import VARIANTS
from benchmarks.record import write

PICTURE = Path("docs/pictures/recipes.svg")


def main() -> None:
    """Train and judge every variant and write ``results/recipes.json`` and the plot."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=120, help="processor time of each")
    arguments.add_argument("--prompts", type=int, default=150, help="at the last look; half as many before")
    arguments.add_argument("--kept", type=Path, default=Path("runs/recipes"), help="what is finished")
    arguments.add_argument("--only", default="", help="variants, separated by commas")
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    chosen.kept.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for name, variant in VARIANTS.items():
        if chosen.only and name not in chosen.only.split(","):
            continue
        path = chosen.kept / f"{name.replace(' ', '_')}.json"
        if not path.exists():
            path.write_text(json.dumps(run(variant, chosen.seconds, chosen.prompts)))
        found[name] = json.loads(path.read_text())
    if chosen.only:
        return
    how = {"seconds": chosen.seconds, "looks": LOOKS, "steps": STEPS, "scale": SCALE, "ways": WAYS}
    how |= {"judge": "judge_b", "pictures": PICTURES}
    last = {
        name: {key: one[key] for key in ("what", "weights", "pictures")}
        | {key: value for key, value in one["curve"][-1].items() if key not in ("share", "pictures")}
        for name, one in sorted(found.items(), key=lambda each: -each[1]["curve"][-1]["similarity"]["mean"])
    }
    curves = {name: one["curve"] for name, one in found.items()}
    print(write("recipes", {**how, "variants": last, "curves": curves}))
    PICTURE.write_text(plot(found), "utf-8")


if __name__ == "__main__":
    main()
