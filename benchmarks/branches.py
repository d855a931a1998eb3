"""What more questions a step cost: K branches in one forward, one by one, in diffusers' guiders; time and memory.

Rounds are interleaved in one process and compared pair by pair; memory is that of whole processes.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tools.tiny_stable_diffusion import build

import limn.models
from benchmarks.kit.drawing import generator_of
from benchmarks.kit.run import run
from benchmarks.kit.timing import child, peak, ratio
from limn.kernel import registry
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Runner
from limn.kernel.step import Step

COUNTS = (1, 2, 4, 8, 16)
TARGETS = {4: 0.62, 8: 0.48, 16: 0.39}
WORDS = ("red", "blue", "cat", "dog", "heart", "photo", "the", "and", "a", "of")
PROMPT = Prompt("a photo of a red cat")
FREE, APART = "classifier_free:scale=3", "pag:scale=1"
THREE = {
    "classifier_free, sld, pag": [FREE, "sld", APART],
    "classifier_free, composed of two, pag": [FREE, "composed:prompts=a star|a moon", APART],
    "apg, sld, dynamic_threshold": ["apg:scale=3", "sld", "dynamic_threshold"],
    "classifier_free, sld, rescale": [FREE, "sld", "rescale"],
}


def guidances(branches: int) -> list[Any]:
    texts = [f"a {WORDS[k % 10]} {WORDS[k // 10]}" for k in range(max(0, branches - 2))]
    parts = ["classifier_free:scale=5"] if branches > 1 else []
    parts += [f"composed:prompts={'|'.join(texts)}"] if texts else []
    return [registry.parse("guidance", part) for part in parts]


def stepper(
    generator: Generator, parts: Sequence[Any], prompts: Sequence[Prompt] = (PROMPT,), **options: Any
) -> Callable[[], torch.Tensor]:
    """Return a function that answers one step of a picture of each prompt; ``options`` are those of the runner."""
    stage, streams = generator.stages[-1], Streams(list(range(len(prompts))))
    runner = Runner(stage.predictor, stage.encoder, list(prompts), parts, streams, codec=stage.codec, **options)
    levels = stage.schedule.levels(20, stage.sampler)
    x = streams.normal(stage.codec.shape(*generator.size))

    def go() -> torch.Tensor:
        with torch.no_grad():
            return runner(Step(index=5, total=20, x=x, level=levels[5], next=levels[6]))

    return go


def memory(folder: str, branches: int, max_rows: int | None) -> float:
    """Answer one step, and return the peak MiB of this process."""
    stepper(limn.models.load(folder), guidances(branches), max_rows=max_rows)()
    return peak()


def bare(generator: Generator, branches: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the network alone on all rows at once, and on one row after another."""
    stage = generator.stages[-1]
    unet = stage.predictor.network.model  # type: ignore[attr-defined]
    x = Streams([0]).normal(stage.codec.shape(*generator.size)).repeat(branches, 1, 1, 1)
    tokens = stage.encoder.encode([Ask(PROMPT)]).tokens.repeat(branches, 1, 1)

    def on(rows: int) -> Callable[[], None]:
        @torch.no_grad()
        def go() -> None:
            for some, words in zip(x.split(rows), tokens.split(rows), strict=True):
                unet(some, torch.tensor(500), encoder_hidden_states=words, return_dict=False)

        return go

    return on(branches), on(1)


def guider_stepper(generator: Generator, unet: Any, guider: Any) -> Callable[[], None]:
    """Return a function that answers one step as diffusers' modular denoise blocks do with a guider."""
    stage, time = generator.stages[-1], torch.tensor(500)
    tokens = stage.encoder.encode([Ask(PROMPT), Ask(Prompt(""))]).tokens
    x = Streams([0]).normal(stage.codec.shape(*generator.size))

    @torch.no_grad()
    def go() -> None:
        guider.set_state(step=5, num_inference_steps=20, timestep=time)
        states = guider.prepare_inputs({"prompt_embeds": (tokens[:1], tokens[1:])})
        for state in states:
            guider.prepare_models(unet)
            state.noise_pred = unet(x, time, encoder_hidden_states=state.prompt_embeds, return_dict=False)[0]
            guider.cleanup_models(unet)
        guider(states)

    return go


def against_guiders(folder: Path, generator: Generator, rounds: int) -> dict[str, Any]:
    """Return limn's time over that of diffusers' guiders for the methods that both have."""
    from diffusers import UNet2DConditionModel
    from diffusers.guiders import ClassifierFreeGuidance, PerturbedAttentionGuidance
    from diffusers.hooks import LayerSkipConfig

    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", local_files_only=True)
    skip = LayerSkipConfig(indices=[0], fqn="mid_block.attentions.0.transformer_blocks", skip_attention_scores=True)
    pag = PerturbedAttentionGuidance(
        guidance_scale=5.0, perturbed_guidance_scale=3.0, perturbed_guidance_config=skip,
        perturbed_guidance_start=0.0, perturbed_guidance_stop=1.0,
    )  # fmt: skip
    free, perturbed = (registry.parse("guidance", text) for text in ("classifier_free:scale=5", "pag:scale=3"))
    pairs = {
        "classifier-free, 2 rows": ([free], ClassifierFreeGuidance(guidance_scale=5.0)),
        "classifier-free and perturbed attention, 3 rows": ([free, perturbed], pag),
    }
    return {
        name: ratio(stepper(generator, parts), guider_stepper(generator, unet, guider), rounds)
        for name, (parts, guider) in pairs.items()
    }


def three_together(rounds: int) -> dict[str, Any]:
    """Return the time of a whole emoji picture with three guidances over that with none."""
    generator = generator_of("emoji")

    def drawing(parts: Sequence[str]) -> Callable[[], object]:
        return lambda: generator.generate("a red heart", guidance=parts, seed=1)

    return {name: ratio(drawing(parts), drawing([]), rounds) for name, parts in THREE.items()}


def measure(*, rounds: int = 30) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place) / "6m", "6m")
        generator = limn.models.load(folder)
        figures: dict[str, Any] = {"threads": torch.get_num_threads(), "rounds": rounds}
        for count in COUNTS:
            parts = guidances(count)
            figures[f"{count} branches"] = {
                "time of one forward over one by one": ratio(
                    stepper(generator, parts), stepper(generator, parts, max_rows=1), rounds
                ),
                "the network alone": ratio(*bare(generator, count), rounds),
                "target": TARGETS.get(count),
                "peak MiB, one forward": child("benchmarks.branches:memory", str(folder), count, None),
                "peak MiB, one by one": child("benchmarks.branches:memory", str(folder), count, 1),
            }
            print(count, figures[f"{count} branches"], flush=True)
        figures["emoji picture, three guidances over none"] = three_together(max(1, rounds // 2))
        figures["limn over diffusers' guiders"] = against_guiders(folder, generator, rounds)
    return figures


if __name__ == "__main__":
    run(measure, quick={"rounds": 1})
