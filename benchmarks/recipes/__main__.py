"""Which recipe learns most in equal processor time: one variant after another, going on where it stopped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.kit.charts import chart
from benchmarks.kit.intervals import mean
from benchmarks.kit.results import kept, picture
from benchmarks.kit.run import PICTOGRAMS, run
from benchmarks.recipes.trial import LOOKS, PICTURES, SCALE, STEPS, WAYS, tried
from benchmarks.recipes.variants import VARIANTS

REPEATED, SEEDS = ("together", "noise 1.5"), (0, 1, 2)
"""What is trained from three seeds: the winner before the noise was raised, and with it."""


def measure(
    *, seconds: float = 120, prompts: int = 150, kept_in: Path = Path("runs/recipes"), only: str = "",
    data: Path = PICTOGRAMS,
) -> Mapping[str, Any] | None:  # fmt: skip
    """Train every variant, or ``only`` those named with commas between, for so long, and judge it."""
    torch.set_num_threads(1)

    def trained(name: str, seed: int) -> dict[str, Any]:
        path = kept_in / f"{name.replace(' ', '_')}{f'-{seed}' if seed else ''}.json"
        return dict(kept(path, lambda: tried(VARIANTS[name], seconds, prompts, data, seed)))

    wanted = only.split(",") if only else [*VARIANTS]
    found = {name: trained(name, 0) for name in VARIANTS if name in wanted}
    repeated = [[trained(name, seed) for seed in SEEDS] for name in REPEATED if name in wanted]
    if only:
        return None
    fewer, more = (np.array([end(one)["similarity"]["mean"] for one in runs]) for runs in repeated)
    lines = {
        name: [(look["share"], look["similarity"]["mean"]) for look in one["curve"]] for name, one in found.items()
    }
    svg = chart(lines, "similarity of pictures to their captions, by the judge", "share of the processor time")
    picture("pictures/recipes.svg").write_text(svg, "utf-8")
    order = sorted(found, key=lambda name: -end(found[name])["similarity"]["mean"])
    return {
        "seconds": seconds, "looks": LOOKS, "steps": STEPS, "scale": SCALE, "ways": WAYS,
        "judge": "judge_b", "pictures": PICTURES,
        "seeds of " + " and ".join(REPEATED): len(SEEDS),
        "similarity over seeds: " + " less ".join(reversed(REPEATED)): mean(more - fewer),
        "variants": {
            name: {key: found[name][key] for key in ("what", "weights", "pictures")}
            | {key: value for key, value in end(found[name]).items() if key not in ("share", "pictures")}
            for name in order
        },
        "curves": {name: one["curve"] for name, one in found.items()},
    }  # fmt: skip


def end(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return one["curve"][-1]  # type: ignore[no-any-return]


if __name__ == "__main__":
    run(measure, "recipes", quick={"seconds": 0.1, "prompts": 4, "kept_in": Path("runs/quick/recipes")})
