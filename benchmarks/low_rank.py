"""A LoRA as second model: its rows in the first model's forward, against a forward of its own; time and difference.

Rounds are interleaved in one process and compared pair by pair.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tools.tiny_stable_diffusion import build
from torch import nn

import limn.models
from benchmarks.branches import stepper
from benchmarks.kit.run import run
from benchmarks.kit.timing import ratio
from limn.kernel import registry
from limn.kernel.generator import Generator
from limn.kernel.predictor import Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.runner import Ledger
from limn.networks.low_rank import LowRank, fit, fitted
from limn.networks.weights import write_tensors
from limn.personalise.learned import read

RANK = 8
LAYERS = {
    "Stable Diffusion's layout, 6 M": ("to_q", "to_k", "to_v", "to_out.0"),
    "shapes": ("qkv", "out", "up", "down"),
    "emoji": ("qkv", "out", "up", "down"),
}
PICTURES = (1, 4)
FREE, OTHER, TUNED = (
    registry.parse("guidance", text)
    for text in ("classifier_free:scale=4", "composed:prompts=a blue circle", "mixture:model=tuned,v=0.5")
)


class Alone:
    """The same change as a model of its own: rows cannot carry it."""

    def __init__(self, adapter: LowRank) -> None:
        self.adapter = adapter

    @contextmanager
    def on(self, predictor: Predictor) -> Iterator[Predictor]:
        with self.adapter.on(predictor) as changed:
            yield changed


def change(network: nn.Module, endings: Sequence[str], path: Path) -> LowRank:
    """Write a random change to all layers with these names, and read it."""
    random, tensors = torch.Generator().manual_seed(0), {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear) and name.endswith(tuple(f".{ending}" for ending in endings)):
            tensors[f"{name}.lora_A.weight"] = torch.randn(RANK, layer.in_features, generator=random) / 30
            tensors[f"{name}.lora_B.weight"] = torch.randn(layer.out_features, RANK, generator=random) / 30
    write_tensors(path, tensors)
    changes = read(path).changes[""]
    return fitted(changes, fit(changes, network).layers)


def compared(generator: Generator, endings: Sequence[str], path: Path, rounds: int) -> dict[str, Any]:
    """Return the ratios of time for each number of pictures, and how far the answers are apart."""
    network = generator.stages[-1].predictor.network.module  # type: ignore[attr-defined]
    adapter, found = change(network, endings, path), {}
    for pictures in PICTURES:
        prompts, ledgers = [Prompt("a red heart")] * pictures, (Ledger(), Ledger())
        mixed, apart = (
            stepper(generator, [FREE, TUNED], prompts, adapters={"tuned": one}, ledger=ledger)
            for one, ledger in zip((adapter, Alone(adapter)), ledgers, strict=True)
        )
        plain = stepper(generator, [FREE, OTHER], prompts, ledger=Ledger())
        difference = float((mixed() - apart()).abs().max())
        counts = [len(ledger.forwards) for ledger in ledgers]
        found[f"{pictures} pictures"] = {
            "one forward over two": ratio(mixed, apart, rounds),
            "over as many rows without a change": ratio(mixed, plain, rounds),
            "forwards": f"{counts[0]} and {counts[1]}",
            "largest difference": difference,
        }
    return found


def measure(*, rounds: int = 30) -> dict[str, Any]:
    figures: dict[str, Any] = {"threads": torch.get_num_threads(), "rounds": rounds, "rank": RANK}
    with tempfile.TemporaryDirectory() as place:
        built = build(Path(place) / "6m", "6m")
        for name, endings in LAYERS.items():
            generator = limn.models.load(name if name in limn.models.names() else built)
            found = compared(generator, endings, Path(place) / f"{len(figures)}.safetensors", rounds)
            figures |= {f"{name}, {count}": ratios for count, ratios in found.items()}
            print(name, found, flush=True)
    return figures


if __name__ == "__main__":
    run(measure, quick={"rounds": 1})
