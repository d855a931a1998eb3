"""What more questions and LoRA of regions cost on a transformer: one forward against diffusers' way.

The network has Z-Image's class and 6.3 million random numbers; a picture is 256 tokens. Rounds are interleaved in
one process and compared pair by pair.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import limn.models
from benchmarks.branches import guidances, stepper
from benchmarks.kit.run import run
from benchmarks.kit.timing import ratio
from limn.guidance.adapted import Adapted
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt, Region
from limn.kernel.rng import Streams
from limn.networks.weights import write_tensors

COUNTS = (1, 2, 4, 8)
PROMPT = Prompt("a photo of a red cat")
SIZE = (64, 64)


def build(folder: Path) -> Path:
    """Save a pipeline with random weights."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel

    from tiny_families import qwen3, qwen_tokenizer, stirred, vae

    torch.manual_seed(0)
    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=4, dim=192, n_layers=8, n_refiner_layers=1,
        n_heads=6, n_kv_heads=6, cap_feat_dim=16, axes_dims=[8, 12, 12], axes_lens=[1024, 256, 256],
    )  # fmt: skip
    pipe = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae(), text_encoder=qwen3(3),
        tokenizer=qwen_tokenizer(), transformer=stirred(transformer),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe.save_pretrained(folder)
    return folder


def rows(generator: Generator, count: int) -> tuple[torch.Tensor, Conditioning]:
    stage = generator.stages[0]
    x = Streams([0]).normal(stage.codec.shape(*SIZE)).repeat(count, 1, 1, 1)
    return x, stage.encoder.encode([Ask(PROMPT)]).pick([0] * count)


def bare(generator: Generator, count: int, each: int) -> Callable[[], None]:
    """Return the network of diffusers alone, on ``each`` of ``count`` rows at a time."""
    model = generator.stages[0].predictor.network.model  # type: ignore[attr-defined]
    x, conditioning = rows(generator, count)

    @torch.no_grad()
    def go() -> None:
        for some, words in zip(x.split(each), conditioning.tokens.split(each), strict=True):
            model(list(some[:, :, None]), torch.full((len(some),), 0.5), list(words), return_dict=False)

    return go


def guided(generator: Generator, count: int) -> Callable[[], None]:
    """Return one step as diffusers' guiders take it: a forward for each condition, then the formula."""
    from diffusers.guiders import ClassifierFreeGuidance

    model = generator.stages[0].predictor.network.model  # type: ignore[attr-defined]
    guider, (x, conditioning) = ClassifierFreeGuidance(guidance_scale=5.0), rows(generator, 1)
    words, time = list(conditioning.tokens), torch.tensor([0.5])

    @torch.no_grad()
    def ask() -> torch.Tensor:
        return torch.stack(model(list(x[:, :, None]), time, words, return_dict=False)[0])

    def go() -> None:
        guider.set_state(step=5, num_inference_steps=20, timestep=torch.tensor(500))
        states = guider.prepare_inputs({"prompt_embeds": (words, words)})
        for state in states[:count]:
            state.noise_pred = ask()
        for _ in range(count - 2):  # no guider has more than two of these; what is more is asked likewise
            ask()
        if count > 1:
            guider(states)

    return go


def regions(folder: Path, generator: Generator, rounds: int) -> dict[str, Any]:
    """Return the time of a step with a LoRA in each of two and four regions, over a forward for each region."""
    figures = {}
    for count in (2, 4):
        files = [folder / f"lora-{place}.safetensors" for place in range(count)]
        for file in files:
            layers = {f"transformer.layers.{layer}.attention.to_q": (192, 192) for layer in range(8)}
            tensors = {}
            for name, (out, into) in layers.items():
                tensors |= {
                    f"{name}.lora_A.weight": torch.randn(8, into),
                    f"{name}.lora_B.weight": torch.randn(out, 8),
                }
            write_tensors(file, tensors)
        places = tuple(
            Region(words="cat", box=(k / count, 0.0, (k + 1) / count, 1.0), adapter=str(file))
            for k, file in enumerate(files)
        )
        parts = [Adapted(parts_of=tuple(map(str, files)))]
        generator.sources(parts)
        own = {"adapters": generator.others.adapters(parts, 0)}
        prompt = [Prompt(PROMPT.text, regions=places)]
        together = stepper(generator, parts, prompt, **own)
        apart = stepper(generator, parts, prompt, max_rows=1, **own)
        figures[f"{count} regions"] = ratio(together, apart, rounds)
    return figures


def measure(*, rounds: int = 20) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place) / "model")
        generator = limn.models.load(folder)
        generator.size = SIZE
        network = generator.stages[0].predictor.network.model  # type: ignore[attr-defined]
        numbers = sum(weight.numel() for weight in network.parameters())
        figures: dict[str, Any] = {"threads": torch.get_num_threads(), "rounds": rounds, "numbers": numbers}
        for count in COUNTS:
            parts = guidances(count)
            figures[f"{count} branches"] = {
                "one forward over diffusers' way": ratio(
                    stepper(generator, parts), guided(generator, count), rounds
                ),
                "the network alone: one forward over one by one": ratio(
                    bare(generator, count, count), bare(generator, count, 1), rounds
                ),
            }
            print(count, figures[f"{count} branches"], flush=True)
        figures["LoRA of regions, one forward over one for each"] = regions(Path(place), generator, rounds)
    return figures


if __name__ == "__main__":
    run(measure, quick={"rounds": 1})
