"""limn and diffusers on the same random checkpoints: exactness, time outside the network, pictures a second, memory.

Runs are interleaved, one of ours and one of theirs in turn in one process, and compared pair by pair; memory and
import time are whole processes.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from tools.tiny_stable_diffusion import build

from benchmarks.kit.run import run
from benchmarks.kit.timing import child

SAMPLERS = {
    "ddim": "DDIMScheduler", "euler": "EulerDiscreteScheduler", "heun": "HeunDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
}  # fmt: skip
TIMED, BATCHES = ("ddim", "dpmpp_2m"), (1, 8)
PROMPT, STEPS = "a photo of a red cat", 20


class Pair:
    """One checkpoint loaded twice, with the time each side spends inside its U-Net."""

    def __init__(self, folder: Path) -> None:
        from diffusers import StableDiffusionPipeline

        import limn.models

        self.pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, local_files_only=True)
        self.pipeline.set_progress_bar_config(disable=True)
        self.ours = limn.models.load(folder)
        self.inside = 0.0
        for network in (self.pipeline.unet, self.ours.stages[-1].predictor.network.model):
            self._clock(network)

    def use(self, sampler: str) -> None:
        """Give the pipeline the scheduler of a sampler's name."""
        import diffusers

        scheduler = getattr(diffusers, SAMPLERS[sampler])
        self.pipeline.scheduler = scheduler.from_config(self.pipeline.scheduler.config)

    def diffusers_draw(self, batch: int, steps: int, negative: str = "", output: str = "np") -> Any:
        """Draw with diffusers; one torch generator for each picture."""
        return self.pipeline(
            [PROMPT] * batch,
            negative_prompt=[negative] * batch,
            num_inference_steps=steps,
            generator=[torch.Generator().manual_seed(seed) for seed in range(batch)],
            output_type=output,
        ).images

    def limn_draw(self, sampler: str, batch: int, steps: int, negative: str = "") -> Any:
        """Draw with limn and return the last latents."""
        guidance = [f"classifier_free:scale=7.5,against='{negative}'"]
        request = self.ours.request(PROMPT, n=batch, steps=steps, sampler=sampler, guidance=guidance)
        events = list(self.ours.draw(request, batch=batch))
        return [event.state for event in events if hasattr(event, "state")][-1].x

    def _clock(self, network: Any) -> None:
        forward = network.forward

        def timed(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return forward(*arguments, **options)
            finally:
                self.inside += time.perf_counter() - start

        network.forward = timed


def exactness(pair: Pair) -> dict[str, float]:
    """Return the largest difference of latents for every sampler, batch and negative prompt."""
    worst = {}
    for sampler in SAMPLERS:
        pair.use(sampler)
        for batch in (1, 3):
            for negative in ("", "blurry photo"):
                theirs = pair.diffusers_draw(batch, 10, negative, "latent")
                ours = pair.limn_draw(sampler, batch, 10, negative)
                name = f"{sampler}, batch {batch}, {'negative' if negative else 'plain'}"
                worst[name] = float((ours - theirs).abs().max())
    return worst


def timings(pair: Pair, repeats: int) -> dict[str, Any]:
    """Return pictures a second and milliseconds a step outside the network, pairwise and interleaved."""
    figures: dict[str, Any] = {}
    for sampler in TIMED:
        pair.use(sampler)
        for batch in BATCHES:
            seconds: dict[str, list[float]] = {"limn": [], "diffusers": []}
            outside: dict[str, list[float]] = {"limn": [], "diffusers": []}
            for turn in range(repeats + 1):
                # Who goes first changes from turn to turn, so that neither gains by it.
                for side in sorted(seconds, reverse=turn % 2 == 1):
                    pair.inside, start = 0.0, time.perf_counter()
                    if side == "limn":
                        pair.limn_draw(sampler, batch, STEPS)
                    else:
                        pair.diffusers_draw(batch, STEPS)
                    whole = time.perf_counter() - start
                    if turn:  # the first round is not counted
                        seconds[side].append(whole)
                        outside[side].append(1000 * (whole - pair.inside) / STEPS)
            ratios = [theirs / ours for ours, theirs in zip(seconds["limn"], seconds["diffusers"], strict=True)]
            figures[f"{sampler}, batch {batch}"] = {
                **{f"{side} pictures a second": round(batch / min(seconds[side]), 3) for side in seconds},
                "times as fast as diffusers, median of pairs": round(statistics.median(ratios), 3),
                **{f"{side} ms a step outside the network": round(min(outside[side]), 3) for side in outside},
            }
            print(sampler, batch, figures[f"{sampler}, batch {batch}"], flush=True)
    return figures


def measure(*, repeats: int = 5) -> dict[str, Any]:
    import diffusers

    figures: dict[str, Any] = {"diffusers": diffusers.__version__, "threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as folder:
        for size in ("tiny", "6m"):
            pair = Pair(build(Path(folder) / size, size))
            figures[size] = {"largest difference of latents": exactness(pair), "speed": timings(pair, repeats)}
        runs = [
            {side: child("benchmarks.whole_process:whole", side, f"{folder}/6m") for side in ("limn", "diffusers")}
            for _ in range(min(repeats, 3))
        ]
    figures["whole processes, 6m"] = {
        side: {
            "seconds to import and load": round(min(run[side][0] for run in runs), 2),
            "peak MiB": round(min(run[side][1] for run in runs), 1),
        }
        for side in ("limn", "diffusers")
    }
    return figures


if __name__ == "__main__":
    run(measure, quick={"repeats": 1})
