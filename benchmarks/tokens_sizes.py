"""Do larger models have lower loss? Three sizes of the masked model of shapes tokens, on the same pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.kit.intervals import mean
from limn.networks.token_embeddings import TokenVectors
from limn.train import optimise
from limn.train.batches import PROBE, Batch
from limn.train.ema import Average
from limn.train.network import build
from limn.train.recipe import Recipe, Schedule, read
from limn.train.tasks.masked import Masked
from limn.train.worlds import WORLDS

__all__ = ["SIZES", "VERSION", "measure", "summary"]

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
    return replace(
        base, seed=seed, network={**base.network, **SIZES[size]}, schedule=Schedule(steps=STEPS, warmup=40)
    )


@cache
def tokens(seed: int) -> Callable[[int], Batch]:
    """Return the batches of a seed, whose pictures become tokens once for all sizes."""
    plan = recipe("large", seed)
    captioned = WORLDS[plan.data.world](plan, TokenVectors()).captioned
    kept: dict[int, Batch] = {}

    def batch(step: int) -> Batch:
        if step not in kept:
            kept[step] = captioned(step)
        return kept[step]

    return batch


def measure(size: str, seed: int) -> dict[str, Any]:
    plan = recipe(size, seed)
    task = Masked(plan, "cpu")
    task.captioned = tokens(seed)  # type: ignore[method-assign]
    optimisers, average = optimise.make(task.network, plan.optimiser), Average(task.network, plan.ema)
    for step in range(STEPS):
        optimise.set_rate(optimisers, plan.optimiser.lr * plan.schedule.rate(step, step / STEPS))
        task.loss(step).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(task.network.parameters(), plan.optimiser.clip)
        for each in optimisers:
            each.step()
            each.zero_grad()
        average.update(task.network, step + 1)
    final = build(plan).eval()
    average.fill(final)
    with torch.inference_mode():
        loss = np.mean([float(task.token_loss(final, PROBE + k)) for k in range(HELD_OUT)])
    parameters = sum(each.numel() for each in final.parameters())
    return {"parameters": parameters, "loss": round(float(loss), 4), "pictures": STEPS * plan.optimiser.batch}


def summary(found: Mapping[str, Mapping[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    """Return the losses by size, and the differences from each size to the next, paired by seed."""
    by = {size: np.array([found[f"{size}, seed {seed}"]["loss"] for seed in seeds]) for size in SIZES}
    sizes = {
        size: {**found[f"{size}, seed {seeds[0]}"], "loss": mean(losses), "losses": losses.tolist()}
        for size, losses in by.items()
    }
    first, second, third = by.values()
    return {
        "recipe": asdict(recipe("large", 0)),
        **sizes,
        "middle less small": mean(second - first),
        "large less middle": mean(third - second),
    }
