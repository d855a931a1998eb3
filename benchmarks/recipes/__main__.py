"""Compare recipes at equal processor time: ``python -m benchmarks.recipes``, going on where it stopped."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.recipes.plot import plot
from benchmarks.recipes.trial import LOOKS, PICTURES, SCALE, STEPS, WAYS, run
from benchmarks.recipes.variants import VARIANTS
from benchmarks.record import write
from benchmarks.steering.common import mean

REPEATED, SEEDS = ("together", "noise 1.5"), (0, 1, 2)
"""What is trained from three seeds: the winner before the noise was raised, and with it."""

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
    wanted = chosen.only.split(",") if chosen.only else [*VARIANTS]
    for name in VARIANTS:
        if name in wanted:
            found[name] = kept(chosen, name, 0)
    seeds = {name: [kept(chosen, name, seed) for seed in SEEDS] for name in REPEATED if name in wanted}
    if chosen.only:
        return
    how = {"seconds": chosen.seconds, "looks": LOOKS, "steps": STEPS, "scale": SCALE, "ways": WAYS}
    how |= {"judge": "judge_b", "pictures": PICTURES}
    last = {
        name: {key: one[key] for key in ("what", "weights", "pictures")}
        | {key: value for key, value in one["curve"][-1].items() if key not in ("share", "pictures")}
        for name, one in sorted(found.items(), key=lambda each: -each[1]["curve"][-1]["similarity"]["mean"])
    }
    ends = {name: [each["curve"][-1]["similarity"]["mean"] for each in runs] for name, runs in seeds.items()}
    fewer, more = (np.array(ends[name]) for name in REPEATED)
    how["seeds of " + " and ".join(REPEATED)] = len(SEEDS)
    how["similarity over seeds: " + " less ".join(reversed(REPEATED))] = mean(more - fewer)
    curves = {name: one["curve"] for name, one in found.items()}
    print(write("recipes", {**how, "variants": last, "curves": curves}))
    PICTURE.write_text(plot(found), "utf-8")


def kept(chosen: argparse.Namespace, name: str, seed: int) -> dict[str, Any]:
    """Return what became of a variant, trained now unless it was before."""
    path: Path = chosen.kept / f"{name.replace(' ', '_')}{f'-{seed}' if seed else ''}.json"
    if not path.exists():
        path.write_text(json.dumps(run(VARIANTS[name], chosen.seconds, chosen.prompts, seed)))
    return dict(json.loads(path.read_text()))


if __name__ == "__main__":
    main()
