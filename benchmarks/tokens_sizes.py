"""Do larger models have lower loss? Three sizes of the masked model of shapes tokens, on the same pictures."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.kit.intervals import mean
from limn.train.batches import PROBE
from limn.train.loop import train
from limn.train.network import averaged
from limn.train.recipe import Recipe, Schedule, read
from limn.train.tasks.masked import Masked

STEPS, HELD_OUT = 500, 16
VERSION = f"{STEPS}"
SIZES: Mapping[str, dict[str, int]] = {
    "small": {"width": 32, "depth": 2},
    "middle": {"width": 64, "depth": 3},
    "large": {"width": 96, "depth": 4},
}


def recipe(size: str, seed: int) -> Recipe:
    """Return the recipe of muse_shapes in another size, for fewer steps."""
    base = read(Path("muse_shapes"))
    schedule = Schedule(steps=STEPS, warmup=40)
    return replace(base, seed=seed, network={**base.network, **SIZES[size]}, schedule=schedule)


def measure(size: str, seed: int) -> dict[str, Any]:
    plan = recipe(size, seed)
    with tempfile.TemporaryDirectory() as folder:
        for progress in train(plan, Path(folder)):
            if progress.step == STEPS:
                break  # before a sheet is drawn
        final = averaged(Path(folder))
    task = Masked(plan, "cpu")
    with torch.inference_mode():
        loss = np.mean([float(task.token_loss(final, PROBE + k)) for k in range(HELD_OUT)])
    parameters = sum(weight.numel() for weight in final.parameters())
    return {"parameters": parameters, "loss": round(float(loss), 4), "pictures": STEPS * plan.optimiser.batch}


def summary(runs: Mapping[str, Mapping[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    """Return the losses by size, and the differences from each size to the next, paired by seed."""
    by = {size: np.array([runs[f"{size}, seed {seed}"]["loss"] for seed in seeds]) for size in SIZES}
    sizes = {
        size: {**runs[f"{size}, seed {seeds[0]}"], "loss": mean(losses), "losses": losses.tolist()}
        for size, losses in by.items()
    }
    gains = {"middle less small": by["middle"] - by["small"], "large less middle": by["large"] - by["middle"]}
    return {"recipe": asdict(recipe("large", 0)), **sizes, **{name: mean(gain) for name, gain in gains.items()}}
