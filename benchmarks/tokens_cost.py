"""What a picture costs: time and operations, one way after another in each round; memory, in fresh processes."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import limn.models
from benchmarks.kit.timing import child, interleaved, peak
from benchmarks.tokens_worlds import Shapes, folder_of, generator
from limn.kernel.generator import Generator, Picture
from limn.kernel.runner import Ledger

ROUNDS = 5
BATCHES = (1, 16)


def measure(world: Shapes) -> dict[str, Any]:
    torch.set_num_threads(1)
    masked, serial, diffusion = world.names
    ways: dict[str, tuple[str, int | None, bool]] = {  # name, steps, whether keys and values are kept
        "masked, 8 steps": (masked, 8, True),
        "masked, 12 steps": (masked, 12, True),
        "autoregressive": (serial, None, True),
        "autoregressive, no cache": (serial, None, False),
        "diffusion, 8 steps": (diffusion, 8, True),
        "diffusion, 16 steps": (diffusion, 16, True),
    }
    texts = world.texts(world.ask(max(BATCHES), 0))
    models = {label: as_cached(generator(name), cached) for label, (name, _, cached) in ways.items()}
    result: dict[str, Any] = {}
    for batch in BATCHES:
        asked = {label: partial(run, models[label], texts[:batch], steps) for label, (_, steps, _) in ways.items()}
        for label, seconds in interleaved(asked, ROUNDS, time.process_time).items():
            name, steps, cached = ways[label]
            asked[label](ledger := Ledger())
            given = (str(folder_of(name)), steps, cached, texts[:batch])
            result[f"{label}, batch {batch}"] = {
                "forwards": len(ledger.forwards),
                "rows": ledger.rows,
                "GFLOP a picture": round(ledger.flops / 1e9 / batch, 3),
                "CPU seconds a picture, median": round(float(np.median(seconds)) / batch, 4),
                "least and most": [round(end(seconds) / batch, 4) for end in (min, max)],
                "memory, MB": child("benchmarks.tokens_cost:memory", *given),
            }
    return result


def as_cached(model: Generator, cached: bool) -> Generator:
    """Return a model whose autoregressive predictor keeps keys and values or not."""
    if cached:
        return model
    stage = model.stages[0]
    twin = Generator(model.name, [replace(stage, predictor=replace(stage.predictor, cached=False))], size=model.size)  # type: ignore[type-var]
    twin.guidance = model.guidance
    return twin


def run(model: Generator, texts: list[str], steps: int | None, ledger: Ledger | None = None) -> None:
    request = model.request(texts, steps=steps)
    drawn = [event for event in model.draw(request, batch=len(texts), ledger=ledger) if isinstance(event, Picture)]
    assert len(drawn) == len(texts)


def memory(folder: str, steps: int | None, cached: bool, texts: list[str]) -> dict[str, float]:
    """Load a model in this process and draw; return the memory that each took."""
    torch.set_num_threads(1)
    started = peak()
    model = as_cached(limn.models.load(folder), cached)
    loading = peak()
    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # the peak starts again from what is held now
    held = peak()
    run(model, texts, steps)
    return {"libraries": started, "peak of loading": loading, "held when loaded": held, "peak of drawing": peak()}
