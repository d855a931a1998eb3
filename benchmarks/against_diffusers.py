"""limn and diffusers on the same random checkpoints: exactness, time outside the network, pictures a second, memory.

Runs are interleaved, one of ours and one of theirs in turn in one process, and compared pair by pair; memory and
import time are whole processes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tools.tiny_stable_diffusion import build

from benchmarks.record import write

SAMPLERS = {
    "ddim": "DDIMScheduler", "euler": "EulerDiscreteScheduler", "heun": "HeunDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
}  # fmt: skip
PROMPT, STEPS = "a photo of a red cat", 20
WHOLE = {
    "limn": """
import sys, time, json
start = time.perf_counter()
import limn
generator = limn.load(sys.argv[1])
ready = time.perf_counter() - start
generator.generate("a red cat", steps=10)
peak = next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(json.dumps([ready, peak / 1024]))
""",
    "diffusers": """
import sys, time, json
start = time.perf_counter()
from diffusers import StableDiffusionPipeline
pipeline = StableDiffusionPipeline.from_pretrained(sys.argv[1], safety_checker=None, local_files_only=True)
ready = time.perf_counter() - start
pipeline.set_progress_bar_config(disable=True)
pipeline("a red cat", num_inference_steps=10)
peak = next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(json.dumps([ready, peak / 1024]))
""",
}


class Pair:
    """One checkpoint loaded twice, with the time each side spends inside its U-Net."""

    def __init__(self, folder: Path) -> None:
        from diffusers import StableDiffusionPipeline

        import limn.models

        self.pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, local_files_only=True)
        self.pipeline.set_progress_bar_config(disable=True)
        self.ours = limn.models.load(folder)
        self.inside = 0.0
        _clock(self.pipeline.unet, self)
        _clock(self.ours.stages[-1].predictor.network.model, self)

    def use(self, sampler: str) -> None:
        """Give the pipeline the scheduler of a sampler's name."""
        import diffusers

        scheduler = getattr(diffusers, SAMPLERS[sampler])
        self.pipeline.scheduler = scheduler.from_config(self.pipeline.scheduler.config)

    def theirs_draw(self, batch: int, steps: int, negative: str = "", output: str = "np") -> Any:
        """Draw with diffusers; one torch generator for each picture."""
        generators = [torch.Generator().manual_seed(seed) for seed in range(batch)]
        return self.pipeline(
            [PROMPT] * batch,
            negative_prompt=[negative] * batch,
            num_inference_steps=steps,
            generator=generators,
            output_type=output,
        ).images

    def ours_draw(self, sampler: str, batch: int, steps: int, negative: str = "") -> Any:
        """Draw with limn and return the last latents."""
        guidance = [f"classifier_free:scale=7.5,against='{negative}'"]
        request = self.ours.request(PROMPT, n=batch, steps=steps, sampler=sampler, guidance=guidance)
        events = list(self.ours.draw(request, batch=batch))
        return [event.state for event in events if hasattr(event, "state")][-1].x


def _clock(network: Any, pair: Pair) -> None:
    forward = network.forward

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return forward(*arguments, **options)
        finally:
            pair.inside += time.perf_counter() - start

    network.forward = timed


def exactness(pair: Pair) -> dict[str, float]:
    """Return the largest difference of latents for every sampler, batch and negative prompt."""
    worst = {}
    for sampler in SAMPLERS:
        pair.use(sampler)
        for batch in (1, 3):
            for negative in ("", "blurry photo"):
                theirs = pair.theirs_draw(batch, 10, negative, "latent")
                ours = pair.ours_draw(sampler, batch, 10, negative)
                name = f"{sampler}, batch {batch}, {'negative' if negative else 'plain'}"
                worst[name] = float((ours - theirs).abs().max())
    return worst


def timings(pair: Pair, repeats: int) -> dict[str, Any]:
    """Return pictures a second and milliseconds a step outside the network, pairwise and interleaved."""
    figures: dict[str, Any] = {}
    for sampler in ("ddim", "dpmpp_2m"):
        pair.use(sampler)
        for batch in (1, 8):
            sides: dict[str, Callable[[], Any]] = {
                "limn": lambda s=sampler, b=batch: pair.ours_draw(s, b, STEPS),
                "diffusers": lambda b=batch: pair.theirs_draw(b, STEPS),
            }
            seconds: dict[str, list[float]] = {"limn": [], "diffusers": []}
            outside: dict[str, list[float]] = {"limn": [], "diffusers": []}
            for round_ in range(repeats + 1):
                for side, draw in sides.items():
                    pair.inside = 0.0
                    start = time.perf_counter()
                    draw()
                    whole = time.perf_counter() - start
                    if round_:
                        seconds[side].append(whole)
                        outside[side].append(1000 * (whole - pair.inside) / STEPS)
            ratios = [theirs / ours for ours, theirs in zip(seconds["limn"], seconds["diffusers"], strict=True)]
            figures[f"{sampler}, batch {batch}"] = {
                "limn pictures a second": round(batch / min(seconds["limn"]), 3),
                "diffusers pictures a second": round(batch / min(seconds["diffusers"]), 3),
                "times as fast as diffusers, median of pairs": round(statistics.median(ratios), 3),
                "limn ms a step outside the network": round(min(outside["limn"]), 3),
                "diffusers ms a step outside the network": round(min(outside["diffusers"]), 3),
            }
    return figures


def whole_processes(folder: Path, repeats: int) -> dict[str, Any]:
    """Return seconds until a model is loaded and peak memory of a process that draws one picture."""
    found: dict[str, list[list[float]]] = {side: [] for side in WHOLE}
    for _ in range(repeats):
        for side, code in WHOLE.items():
            out = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code, str(folder)], capture_output=True, text=True, check=True
            )
            found[side].append(json.loads(out.stdout.splitlines()[-1]))
    return {
        side: {
            "seconds to import and load": round(min(run[0] for run in runs), 2),
            "peak MiB": round(min(run[1] for run in runs), 1),
        }
        for side, runs in found.items()
    }


def main() -> None:
    """Measure and write ``results/against_diffusers.json``."""
    import diffusers

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=5)
    repeats = arguments.parse_args().repeats
    figures: dict[str, Any] = {"diffusers": diffusers.__version__, "threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as folder:
        for size in ("tiny", "6m"):
            pair = Pair(build(Path(folder) / size, size))
            figures[size] = {"largest difference of latents": exactness(pair), "speed": timings(pair, repeats)}
        figures["whole processes, 6m"] = whole_processes(Path(folder) / "6m", min(repeats, 3))
    print(json.dumps(figures, indent=1))
    print(write("against_diffusers", figures))


if __name__ == "__main__":
    main()
