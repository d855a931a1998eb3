"""Seconds for a picture of eight views, as a user waits for it, and the weights' size."""

import time
from typing import Any

import torch

from benchmarks.kit.intervals import mean
from benchmarks.scene3d.common import MODEL
from limn import models
from limn.kernel.generator import Picture


def measure(*, model: str = MODEL, tries: int = 5, threads: int = 2) -> dict[str, Any]:
    """Return seconds of drawing on so many threads, after one to warm up, and millions of bytes."""
    torch.set_num_threads(threads)
    generator, seconds = models.load(model), []
    for attempt in range(tries + 1):
        request = generator.request("a red chair with four legs", seed=attempt, views=8)
        start = time.monotonic()
        assert any(isinstance(event, Picture) for event in generator.draw(request))
        seconds.append(time.monotonic() - start)
    weights = sum(path.stat().st_size for path in models.locate(model).rglob("*.safetensors")) / 1e6
    return {"threads": threads, "seconds of eight views": mean(seconds[1:]), "weights, MB": round(weights, 2)}
