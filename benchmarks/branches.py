"""What more questions a step cost: K branches in one forward, one by one, in diffusers' guiders; time and memory.

Rounds are interleaved in one process and compared pair by pair; memory is that of whole processes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tools.tiny_stable_diffusion import build

import limn.models
from benchmarks.record import write
from limn.kernel import registry
from limn.kernel.generator import Generator
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Runner
from limn.kernel.step import Step

COUNTS = (1, 2, 4, 8, 16)
TARGETS = {4: 0.62, 8: 0.48, 16: 0.39}
WORDS = ("red", "blue", "cat", "dog", "heart", "photo", "the", "and", "a", "of")
SCRIPT = """
import sys, warnings
warnings.simplefilter('ignore')
from benchmarks.branches import stepper
stepper(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) or None)()
peak = next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(peak / 1024)
"""


def guidances(branches: int) -> list[Any]:
    """Return guidances that ask this many questions a step."""
    texts = [f"a {WORDS[k % 10]} {WORDS[k // 10]}" for k in range(max(0, branches - 2))]
    parts = ["classifier_free:scale=5"] if branches > 1 else []
    parts += [f"composed:prompts={'|'.join(texts)}"] if texts else []
    return [registry.parse("guidance", each) for each in parts]


def stepper(folder: str | Path, branches: int, max_rows: int | None) -> Callable[[], None]:
    """Return a function that answers one step with this many branches."""
    return _stepper(limn.models.load(folder), guidances(branches), max_rows)


def _stepper(generator: Generator, parts: Sequence[Any], max_rows: int | None = None) -> Callable[[], None]:
    stage = generator.stages[-1]
    streams = Streams([0])
    runner = Runner(
        stage.predictor, stage.encoder, [Prompt("a photo of a red cat")], parts, streams,
        codec=stage.codec, max_rows=max_rows,
    )  # fmt: skip
    levels = stage.schedule.levels(20, stage.sampler)
    x = streams.normal(stage.codec.shape(*generator.size))

    def go() -> None:
        with torch.no_grad():
            runner(Step(index=5, total=20, x=x, level=levels[5], next=levels[6]))

    return go


def guider_stepper(generator: Generator, unet: Any, guider: Any) -> Callable[[], None]:
    """Return a function that answers one step as diffusers' modular denoise blocks do with a guider."""
    stage = generator.stages[-1]
    from limn.kernel.predictor import Ask

    asks = [Ask(Prompt("a photo of a red cat")), Ask(Prompt(""))]
    tokens = stage.encoder.encode(asks).tokens
    x = Streams([0]).normal(stage.codec.shape(*generator.size))
    time_ = torch.tensor(500)

    def go() -> None:
        with torch.no_grad():
            guider.set_state(step=5, num_inference_steps=20, timestep=time_)
            states = guider.prepare_inputs({"prompt_embeds": (tokens[:1], tokens[1:])})
            for state in states:
                guider.prepare_models(unet)
                state.noise_pred = unet(x, time_, encoder_hidden_states=state.prompt_embeds, return_dict=False)[0]
                guider.cleanup_models(unet)
            guider(states)

    return go


def ratio(first: Callable[[], None], second: Callable[[], None], rounds: int) -> dict[str, float]:
    """Return the time of the first over that of the second, as the median of interleaved pairs."""
    first(), second()
    pairs = []
    for _ in range(rounds):
        start = time.perf_counter()
        first()
        middle = time.perf_counter()
        second()
        pairs.append((middle - start, time.perf_counter() - middle))
    ratios = sorted(a / b for a, b in pairs)
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    return {"ratio": round(statistics.median(ratios), 3), "10 %": round(low, 3), "90 %": round(high, 3)}


def bare(generator: Generator, branches: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the network alone on all rows at once, and on one row after another."""
    from limn.kernel.predictor import Ask

    stage = generator.stages[-1]
    unet = stage.predictor.network.model  # type: ignore[attr-defined]
    x = Streams([0]).normal(stage.codec.shape(*generator.size)).repeat(branches, 1, 1, 1)
    tokens = stage.encoder.encode([Ask(Prompt("a red cat"))]).tokens.repeat(branches, 1, 1)
    time_ = torch.tensor(500)

    def once() -> None:
        with torch.no_grad():
            unet(x, time_, encoder_hidden_states=tokens, return_dict=False)

    def one_by_one() -> None:
        with torch.no_grad():
            for row in range(branches):
                unet(x[row : row + 1], time_, encoder_hidden_states=tokens[row : row + 1], return_dict=False)

    return once, one_by_one


def memory(folder: Path, branches: int, max_rows: int) -> float:
    """Return the peak MiB of a process that answers one step."""
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(folder), str(branches), str(max_rows)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return round(float(out.stdout.splitlines()[-1]), 1)


def against_guiders(folder: Path, generator: Generator, rounds: int) -> dict[str, Any]:
    """Return limn's time over that of diffusers' guiders for the methods that both have."""
    from diffusers import UNet2DConditionModel
    from diffusers.guiders import ClassifierFreeGuidance, PerturbedAttentionGuidance
    from diffusers.hooks import LayerSkipConfig

    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", local_files_only=True)
    cfg = ClassifierFreeGuidance(guidance_scale=5.0)
    skip = LayerSkipConfig(indices=[0], fqn="mid_block.attentions.0.transformer_blocks", skip_attention_scores=True)
    pag = PerturbedAttentionGuidance(
        guidance_scale=5.0, perturbed_guidance_scale=3.0, perturbed_guidance_config=skip,
        perturbed_guidance_start=0.0, perturbed_guidance_stop=1.0,
    )  # fmt: skip
    free, perturbed = (registry.parse("guidance", each) for each in ("classifier_free:scale=5", "perturbed:scale=3"))
    return {
        "classifier-free, 2 rows": ratio(
            _stepper(generator, [free]),
            guider_stepper(generator, unet, cfg),
            rounds,
        ),
        "classifier-free and perturbed attention, 3 rows": ratio(
            _stepper(generator, [free, perturbed]), guider_stepper(generator, unet, pag), rounds
        ),
    }


def three_together(rounds: int) -> dict[str, Any]:
    """Return the time of a whole emoji picture with three guidances over that with none."""
    generator = limn.models.load("emoji")
    free, apart = "classifier_free:scale=3", "perturbed:scale=1"
    sets = {
        "classifier_free, safety, perturbed": [free, "safety", apart],
        "classifier_free, composed of two, perturbed": [free, "composed:prompts=a star|a moon", apart],
        "projected, safety, threshold": ["projected:scale=3", "safety", "threshold"],
        "classifier_free, safety, rescale": [free, "safety", "rescale"],
    }

    def draw(parts: Sequence[str]) -> Callable[[], None]:
        def go() -> None:
            generator.generate("a red heart", guidance=parts, seed=1)

        return go

    return {name: ratio(draw(parts), draw([]), rounds) for name, parts in sets.items()}


def main() -> None:
    """Measure and write ``results/branches.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=30)
    rounds = arguments.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place) / "6m", "6m")
        generator = limn.models.load(folder)
        figures: dict[str, Any] = {"threads": torch.get_num_threads(), "rounds": rounds}
        for count in COUNTS:
            parts = guidances(count)
            together = ratio(_stepper(generator, parts), _stepper(generator, parts, 1), rounds)
            figures[f"{count} branches"] = {
                "time of one forward over one by one": together,
                "the network alone": ratio(*bare(generator, count), rounds),
                "target": TARGETS.get(count),
                "peak MiB, one forward": memory(folder, count, 0),
                "peak MiB, one by one": memory(folder, count, 1),
            }
            print(count, figures[f"{count} branches"], flush=True)
        figures["emoji picture, three guidances over none"] = three_together(rounds // 2)
        figures["limn over diffusers' guiders"] = against_guiders(folder, generator, rounds)
    print(json.dumps(figures, indent=1))
    print(write("branches", figures))


if __name__ == "__main__":
    main()
