"""What a picture costs: time and operations, one way after another in each round; memory, in fresh processes."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import limn.models
from benchmarks.kit.timing import child, peak
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
    found: dict[str, Any] = {}
    taken: dict[str, list[float]] = {}
    for batch in BATCHES:
        for turn in range(ROUNDS + 1):
            for label, (_, steps, _) in ways.items():
                ledger, key, start = Ledger(), f"{label}, batch {batch}", time.process_time()
                run(models[label], texts[:batch], steps, ledger)
                if turn:
                    taken.setdefault(key, []).append((time.process_time() - start) / batch)
                flops = round(ledger.flops / 1e9 / batch, 3)
                found[key] = {"forwards": len(ledger.forwards), "rows": ledger.rows, "GFLOP a picture": flops}
    for key, seconds in taken.items():
        found[key]["CPU seconds a picture, median"] = round(float(np.median(seconds)), 4)
        found[key]["least and most"] = [round(min(seconds), 4), round(max(seconds), 4)]
    for label, (name, steps, cached) in ways.items():
        for batch in BATCHES:
            asked = (str(folder_of(name)), steps, cached, texts[:batch])
            found[f"{label}, batch {batch}"]["memory, MB"] = child("benchmarks.tokens_cost:memory", *asked)
    return found


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
