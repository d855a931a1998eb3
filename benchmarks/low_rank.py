"""A LoRA as second model: its rows in the first model's forward, against a forward of its own; time and difference.

Rounds are interleaved in one process and compared pair by pair.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tools.tiny_stable_diffusion import build
from torch import Tensor, nn

import limn.models
from benchmarks.branches import ratio
from benchmarks.record import write
from limn.kernel import registry
from limn.kernel.adapter import Adapter
from limn.kernel.generator import Generator
from limn.kernel.predictor import Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from limn.networks.low_rank import LowRank, read_low_rank
from limn.networks.weights import write_tensors

RANK = 8
LAYERS = {
    "Stable Diffusion's layout, 6 M": ("to_q", "to_k", "to_v", "to_out.0"),
    "shapes": ("qkv", "out", "up", "down"),
    "emoji": ("qkv", "out", "up", "down"),
}
PICTURES = (1, 4)


class Alone:
    """The same change as a model of its own: rows cannot carry it."""

    def __init__(self, adapter: LowRank) -> None:
        self.adapter = adapter

    @contextmanager
    def on(self, predictor: Predictor) -> Iterator[Predictor]:
        """Change every row."""
        with self.adapter.on(predictor) as changed:
            yield changed


def change(network: nn.Module, endings: Sequence[str], path: Path) -> LowRank:
    """Write a random change to all layers with these names, and read it."""
    random, tensors = torch.Generator().manual_seed(0), {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear) and name.endswith(tuple(f".{each}" for each in endings)):
            tensors[f"{name}.lora_A.weight"] = torch.randn(RANK, layer.in_features, generator=random) / 30
            tensors[f"{name}.lora_B.weight"] = torch.randn(layer.out_features, RANK, generator=random) / 30
    write_tensors(path, tensors)
    return read_low_rank(path, network)


def stepper(generator: Generator, adapter: Adapter | None, pictures: int, ledger: Ledger) -> Callable[[], Tensor]:
    """Return a function that answers one step with words, without, and by the second model where there is one."""
    stage = generator.stages[-1]
    streams = Streams(list(range(pictures)))
    parts: list[Any] = [registry.parse("guidance", "classifier_free:scale=4")]
    other = "model_based:model=tuned,v=0.5" if adapter is not None else "composed:prompts=a blue circle"
    parts.append(registry.parse("guidance", other))
    runner = Runner(
        stage.predictor, stage.encoder, [Prompt("a red heart")] * pictures, parts, streams, codec=stage.codec,
        adapters={} if adapter is None else {"tuned": adapter}, ledger=ledger,
    )  # fmt: skip
    levels = stage.schedule.levels(20, stage.sampler)
    x = streams.normal(stage.codec.shape(*generator.size))

    def go() -> Tensor:
        with torch.no_grad():
            return runner(Step(index=5, total=20, x=x, level=levels[5], next=levels[6]))

    return go


def measure(generator: Generator, endings: Sequence[str], path: Path, rounds: int) -> dict[str, Any]:
    """Return the ratios of time for each number of pictures, and how far the answers are apart."""
    network = generator.stages[-1].predictor.network.module  # type: ignore[attr-defined]
    adapter, found = change(network, endings, path), {}
    for pictures in PICTURES:
        ledgers = Ledger(), Ledger()
        mixed = stepper(generator, adapter, pictures, ledgers[0])
        apart = stepper(generator, Alone(adapter), pictures, ledgers[1])
        plain = stepper(generator, None, pictures, Ledger())
        difference = float((mixed() - apart()).abs().max())
        counts = [len(each.forwards) for each in ledgers]
        found[f"{pictures} pictures"] = {
            "one forward over two": ratio(mixed, apart, rounds),
            "over as many rows without a change": ratio(mixed, plain, rounds),
            "forwards": f"{counts[0]} and {counts[1]}",
            "largest difference": difference,
        }
    return found


def main() -> None:
    """Measure and write ``results/low_rank.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=30)
    rounds = arguments.parse_args().rounds
    figures: dict[str, Any] = {"threads": torch.get_num_threads(), "rounds": rounds, "rank": RANK}
    with tempfile.TemporaryDirectory() as place:
        built = build(Path(place) / "6m", "6m")
        for name, endings in LAYERS.items():
            generator = limn.models.load(name if name in limn.models.names() else built)
            found = measure(generator, endings, Path(place) / f"{len(figures)}.safetensors", rounds)
            figures |= {f"{name}, {count}": each for count, each in found.items()}
            print(name, found, flush=True)
    print(json.dumps(figures, indent=1))
    print(write("low_rank", figures))


if __name__ == "__main__":
    main()
