"""What more questions and LoRA of regions cost in one forward, against diffusers' way: a forward for each condition.

The networks have the classes of Z-Image and SDXL and some six million random numbers; a picture is 256 tokens. The
ways take turns in one process and are compared round by round.
"""

import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import limn.models
from benchmarks.branches import guidances, stepper
from benchmarks.kit.run import run
from benchmarks.kit.timing import interleaved, quotient, ratio
from limn.guidance.adapted import Adapted
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt, Region
from limn.kernel.rng import Streams
from limn.networks.weights import write_tensors

COUNTS = (1, 2, 4, 8)
RANK, REGIONS = 8, (2, 4)
PROMPT = Prompt("a photo of a red cat")


@dataclass(frozen=True, kw_only=True)
class Family:
    """A network of a family's class.

    Args:
        build: Saves a pipeline with random weights.
        ask: Asks the network of diffusers: ``ask(model, x, conditioning)``.
        size: Height and width of a picture of 256 tokens.
    """

    build: Callable[[Path], object]
    ask: Callable[[Any, Tensor, Conditioning], Tensor]
    size: tuple[int, int]


def z_image(folder: Path) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel

    from tiny_families.parts import qwen3, qwen_tokenizer, stirred, vae

    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=4, dim=192, n_layers=8, n_refiner_layers=1,
        n_heads=6, n_kv_heads=6, cap_feat_dim=16, axes_dims=[8, 12, 12], axes_lens=[1024, 256, 256],
    )  # fmt: skip
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae(), text_encoder=qwen3(3),
        tokenizer=qwen_tokenizer(), transformer=stirred(transformer),
    ).save_pretrained(folder)  # fmt: skip


def ask_z_image(model: Any, x: Tensor, conditioning: Conditioning) -> Tensor:
    times = torch.full((len(x),), 0.5)
    return torch.stack(model(list(x[:, :, None]), times, list(conditioning.tokens), return_dict=False)[0])


def sdxl(folder: Path) -> None:
    import tiny

    tiny.sdxl(
        folder, sample_size=16, block_out_channels=(48, 96, 144), layers_per_block=2, attention_head_dim=(2, 4, 6),
        norm_num_groups=8, transformer_layers_per_block=(1, 1, 4),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip


def ask_sdxl(model: Any, x: Tensor, conditioning: Conditioning) -> Tensor:
    side = [8.0 * cells for cells in x.shape[2:]]
    sizes = x.new_tensor([*side, 0, 0, *side]).expand(len(x), -1)
    added = {"text_embeds": conditioning.extras["pooled"], "time_ids": sizes}
    answer: Tensor = model(
        x, torch.tensor(500), encoder_hidden_states=conditioning.tokens, added_cond_kwargs=added, return_dict=False
    )[0]
    return answer


FAMILIES = {
    "z_image": Family(build=z_image, ask=ask_z_image, size=(64, 64)),
    "sdxl": Family(build=sdxl, ask=ask_sdxl, size=(128, 128)),
}


def rows(generator: Generator, count: int) -> tuple[Tensor, Conditioning]:
    stage = generator.stages[0]
    x = Streams([0]).normal(stage.codec.shape(*generator.size)).repeat(count, 1, 1, 1)
    return x, stage.encoder.encode([Ask(PROMPT)]).pick([0] * count)


def network(generator: Generator) -> nn.Module:
    return generator.stages[0].predictor.network.model  # type: ignore[attr-defined, no-any-return]


def bare(family: Family, generator: Generator, count: int, together: int) -> Callable[[], None]:
    """Return the network of diffusers alone, on some of the rows at a time."""
    model, parts = network(generator), [rows(generator, together) for _ in range(count // together)]

    @torch.no_grad()
    def go() -> None:
        for x, conditioning in parts:
            family.ask(model, x, conditioning)

    return go


def guided(family: Family, generator: Generator, count: int) -> Callable[[], None]:
    """Return one step as diffusers' guiders take it: a forward for each condition, then the formula."""
    from diffusers.guiders import ClassifierFreeGuidance

    model, (x, conditioning) = network(generator), rows(generator, 1)
    guider = ClassifierFreeGuidance(guidance_scale=5.0)

    @torch.no_grad()
    def go() -> None:
        guider.set_state(step=5, num_inference_steps=20, timestep=torch.tensor(500))
        states = guider.prepare_inputs({"prompt_embeds": (conditioning.tokens, conditioning.tokens)})
        for state in states[:count]:
            state.noise_pred = family.ask(model, x, conditioning)
        for _ in range(count - 2):  # no guider has more than two of these; what is more is asked likewise
            family.ask(model, x, conditioning)
        if count > 1:
            guider(states)

    return go


def branches(family: Family, generator: Generator, count: int, rounds: int) -> dict[str, Any]:
    """Return the quotients of one count of branches, and that of quotients."""
    ways = interleaved(
        {
            "limn": stepper(generator, guidances(count)),
            "guider": guided(family, generator, count),
            "together": bare(family, generator, count, count),
            "one by one": bare(family, generator, count, 1),
        },
        rounds,
    )
    saved, possible = (
        [one / other for one, other in zip(ways[first], ways[second], strict=True)]
        for first, second in (("limn", "guider"), ("together", "one by one"))
    )
    return {
        "one forward over diffusers' way": quotient(ways["limn"], ways["guider"]),
        "the network alone, one forward over one by one": quotient(ways["together"], ways["one by one"]),
        "the first over the second": quotient(saved, possible),
    }


def regions(folder: Path, generator: Generator, count: int, rounds: int) -> dict[str, float]:
    """Return the time of a step with a LoRA in each region, over a forward for each region."""
    files = [folder / f"lora-{place}.safetensors" for place in range(count)]
    part = "unet" if "UNet" in type(network(generator)).__name__ else "transformer"
    layers = {
        f"{part}.{name}": layer
        for name, layer in network(generator).named_modules()
        if isinstance(layer, nn.Linear) and name.endswith(".to_q") and "refiner" not in name
    }
    for file in files:
        tensors = {}
        for name, layer in layers.items():
            tensors[f"{name}.lora_A.weight"] = torch.randn(RANK, layer.in_features)
            tensors[f"{name}.lora_B.weight"] = torch.randn(layer.out_features, RANK)
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
    return ratio(together, apart, rounds)


def measure(family: Family, rounds: int) -> dict[str, Any]:
    tests = Path(__file__).parents[1] / "tests"
    sys.path[:0] = [str(tests), str(tests / "models" / "checkpoints")]
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as place:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            family.build(Path(place) / "model")
        generator = limn.models.load(Path(place) / "model")
        generator.size = family.size
        figures: dict[str, Any] = {"threads": torch.get_num_threads(), "rounds": rounds}
        figures["numbers"] = sum(weight.numel() for weight in network(generator).parameters())
        for count in COUNTS:
            figures[f"{count} branches"] = branches(family, generator, count, rounds)
            print(count, figures[f"{count} branches"], flush=True)
        figures["LoRA of regions, one forward over one for each"] = {
            f"{count} regions": regions(Path(place), generator, count, rounds) for count in REGIONS
        }
    return figures


def measure_z_image(*, rounds: int = 20) -> dict[str, Any]:
    return measure(FAMILIES["z_image"], rounds)


def measure_sdxl(*, rounds: int = 20) -> dict[str, Any]:
    return measure(FAMILIES["sdxl"], rounds)


if __name__ == "__main__":
    run({"z_image": measure_z_image, "sdxl": measure_sdxl}, quick={"rounds": 1})
