"""Training throughput as a share of the measured matrix-product rate, and exact resume.

With one thread, the default, processor time is counted, so that other programs on the machine do not count; with
several threads, which wait for one another, wall-clock time.
"""

import dataclasses
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.kit.run import run
from benchmarks.kit.timing import interleaved
from limn.train import optimise
from limn.train.batches import Batch
from limn.train.ema import Average
from limn.train.loop import train
from limn.train.network import averaged
from limn.train.recipe import Recipe, read
from limn.train.settings import changed
from limn.train.tasks.generator import Generator

WORDS = 26
"""Text tokens of each row: the mean length of the longest of 64 captions of pictograms."""


def rate(name: str, precision: Any, compile_: Any, steps: int) -> dict[str, float]:
    """Time whole steps and plain products of the same shape in turn, and compare the fastest of each."""
    recipe = dataclasses.replace(read(Path(name)), precision=precision, compile=compile_)
    recipe = changed(recipe, ["objective.partial=0"])
    task = Generator(recipe, "cpu")
    network, rows = task.network, recipe.optimiser.batch
    config = network.config
    optimisers, average = optimise.make(network, recipe.optimiser), Average(network, recipe.ema)
    clean = torch.randn(rows, config.channels, config.grid, config.grid)
    ids, mask = torch.ones(rows, WORDS, dtype=torch.int64), torch.ones(rows, WORDS, dtype=torch.bool)
    task.captioned = lambda step: Batch(clean=clean, ids=ids, mask=mask)
    tokens, kind = rows * (config.side**2 + WORDS), getattr(torch, precision)
    left = torch.randn(tokens, config.width, dtype=kind)
    right = torch.randn(config.width, config.expansion * config.width, dtype=kind)

    def step() -> None:
        task.loss(0).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.optimiser.clip)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        average.update(network, 1)

    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    ways = {"whole": step, **{f"product {k}": lambda: left @ right for k in range(10)}}
    taken = interleaved(ways, steps, clock)
    whole, product = taken.pop("whole"), [second for row in taken.values() for second in row]
    weights = sum(each.numel() for each in network.trunk.blocks.parameters() if each.ndim == 2)
    useful, gemm = 6 * weights * tokens / min(whole), 2 * left.numel() * right.shape[1] / min(product)
    return {
        "parameters": sum(each.numel() for each in network.parameters()),
        "pictures a second": round(rows / min(whole), 1),
        "GFLOP/s of the blocks' products": round(useful / 1e9, 1),
        "GFLOP/s of a plain product": round(gemm / 1e9, 1),
        "share": round(useful / gemm, 3),
    }


def shapes(batch: int, steps: int) -> Recipe:
    """Return the recipe of shapes, shorter and with another batch."""
    plain = read(Path("shapes"))
    return dataclasses.replace(
        plain,
        optimiser=dataclasses.replace(plain.optimiser, batch=batch),
        schedule=dataclasses.replace(plain.schedule, minutes=0, steps=steps),
    )


def together(processes: int, threads: int) -> float:
    """Train as ``limn train`` does and return the best rate of twenty steps in a row."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        events = train(shapes(32, 60), Path(folder), workers=processes)
        return round(max(event.rate for event in events if event.step % 20 == 0), 1)


def resume() -> bool:
    """Train six steps at once, and six with a stop between; compare every averaged weight."""
    recipe = shapes(4, 6)
    with tempfile.TemporaryDirectory() as folder:
        whole, parts = Path(folder) / "whole", Path(folder) / "parts"
        list(train(recipe, whole))
        for progress in train(recipe, parts):
            if progress.step == 3:
                break
        list(train(recipe, parts))
        one, two = averaged(whole).state_dict(), averaged(parts).state_dict()
    return all(torch.equal(one[name], two[name]) for name in one)


def measure(*, steps: int = 4, threads: int = 1) -> dict[str, Any]:
    torch.set_num_threads(threads)
    figures: dict[str, Any] = {"threads": threads, "load average": os.getloadavg()[0]}
    for name in ("emoji", "shapes"):
        for precision, kind in (("float32", "no"), ("bfloat16", "no"), ("bfloat16", "yes")):
            label = f"{name}, {precision}" + (", compiled" if kind == "yes" else "")
            figures[label] = rate(name, precision, kind, steps)
            print(label, figures[label], flush=True)
    for processes, each in ((1, 1), (1, 2), (2, 1)):
        label = f"shapes, {processes} processes of {each} threads: pictures a second of wall-clock time"
        figures[label] = together(processes, each)
        print(label, figures[label], flush=True)
    torch.set_num_threads(threads)
    return {**figures, "resumed equals uninterrupted, bit for bit": resume()}


if __name__ == "__main__":
    run(measure, quick={"steps": 1})
