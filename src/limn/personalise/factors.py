"""Low-rank factors that learn (LoRA; Hu et al. 2022, arXiv:2106.09685): down is drawn, up is zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn

from limn.kernel.errors import InputError
from limn.networks.low_rank import Factors, LowRank, Product, Update
from limn.personalise.denoising import Box
from limn.personalise.learned import Learned
from limn.personalise.trainable import Trainable

LAYERS: Final = (
    ("to_q", "to_k", "to_v", "to_out.0"), ("q_proj", "k_proj", "v_proj", "out_proj"), ("qkv", "out", "up", "down"),
)  # fmt: skip
"""Names of the layers that change: of a U-Net's attention, of CLIP's, of the blocks of limn's transformer."""

_DOWN, _UP = ".down", ".up"


class TrainableFactors(Trainable):
    """Low-rank changes to the layers of one network; at first they change nothing.

    Args:
        network: Frozen.
        rank: Of the factors.
        seed: Decides them.
        part: What files call the network.
        reads: Whether it reads the texts.

    Raises:
        InputError: The network has no layer of a name that is known.
    """

    def __init__(self, network: nn.Module, *, rank: int, seed: int, part: str, reads: bool = False) -> None:
        generator, weights = torch.Generator().manual_seed(seed), dict[str, nn.Parameter]()
        updates: dict[nn.Module, Update] = {}
        for name, layer in _layers(network).items():
            out, into = layer.weight.shape
            down = torch.randn(rank, into, generator=generator) / rank  # as peft's gaussian
            pair = [nn.Parameter(tensor.to(layer.weight)) for tensor in (down, torch.zeros(out, rank))]
            weights[f"{part}.{name}{_DOWN}"], weights[f"{part}.{name}{_UP}"] = pair
            updates[layer] = Product(down=pair[0], up=pair[1])
        super().__init__(weights)
        self.part, self.reads, self._change = part, reads, LowRank(updates)

    @contextmanager
    def on(self, boxes: Sequence[Box] = ()) -> Iterator[None]:
        """Let all rows have them."""
        with self._change.on(None):
            yield

    def learned(self, tensors: Mapping[str, Tensor]) -> Learned:
        """Return the factors by layer."""
        names = [name.removesuffix(_DOWN) for name in tensors if name.endswith(_DOWN)]
        changes = {
            name.removeprefix(f"{self.part}."): Factors(down=tensors[name + _DOWN], up=tensors[name + _UP])
            for name in names
        }
        return Learned(changes={self.part: changes})


def _layers(network: nn.Module) -> Mapping[str, nn.Linear]:
    named = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}
    for endings in LAYERS:
        ends = tuple(f".{ending}" for ending in endings)
        if chosen := {name: layer for name, layer in named.items() if name.endswith(ends)}:
            return chosen
    raise InputError(f"rank: {type(network).__name__} has no layers named as limn knows them; use another model")
