"""An encoder of words and pictures: a caption and its picture mean the same (Weinbach et al. 2022, section 2).

The text encoder is that of a judge, and so is the image encoder; both keep their matrices. Prefix and adapters learn
by the contrast of captions and pictures, each as a row of its own kind; with ``biases`` all biases learn too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.errors import InputError
from limn.networks.dual_encoder import DualEncoder
from limn.networks.interleaved import CONFIG, Interleaved
from limn.networks.token_embeddings import TokenVectors
from limn.train.augmentation import jittered
from limn.train.batches import PROBE, Batch, stream
from limn.train.card import About
from limn.train.network import judge_of
from limn.train.recipe import Recipe
from limn.train.sheet import grid, pixels
from limn.train.task import Objective, Task, autocast
from limn.train.tasks.contrastive import info_nce
from limn.train.worlds.pictograms import Paired, half, pictograms_of

_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Meaning(Objective):
    """What is minimised.

    Args:
        towers: Whose text and image encoders stay as they are: a judge's name or folder.
        biases: Whether biases learn.
        scale: What similarities are multiplied by.
    """

    towers: str = "judge_a"
    biases: bool = True
    scale: float = 30.0


class Magma(Task[Interleaved, Meaning]):
    """Learning to read words and pictures alike."""

    paper = "weinbach2022mvader"
    config_file = CONFIG
    Network = Interleaved
    Objective = Meaning

    def __init__(self, recipe: Recipe, device: str) -> None:
        if recipe.data.world != "pictograms":
            raise InputError(f"data.world: {recipe.data.world} has no such pairs; choose pictograms")
        super().__init__(recipe, device)
        towers = judge_of(self.objective.towers)
        _take(self.network, towers)
        for name, weight in self.network.named_parameters():
            own = name.startswith(("prefix", "cells", "adapters"))
            weight.requires_grad_(own or (self.objective.biases and name.endswith("bias")))
        self.words = TokenVectors()
        self.pairs = Paired(recipe, half(pictograms_of(recipe), recipe.data.half), self.words)
        moved = jittered(self.pairs.clean, stream(recipe.seed, 4), recipe.data.jitter)
        self.cells = [cells_of(towers, states) for states in (self.pairs.clean, moved)]

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch, cells = self.batch(step)
        assert batch.true is not None
        with autocast(self.recipe, self.device):
            texts, pictures = self.vectors(self.network, batch, cells)
        return info_nce(self.objective.scale * texts @ pictures.T, batch.true.to(self.device))

    def batch(self, step: int) -> tuple[Batch, Tensor]:
        """Return captions, and what the image encoder sees of their pictures (rows, cells, width)."""
        rng = stream(self.recipe.seed, 5, step)
        order, chosen = self.pairs.beside(*self.pairs.pick(step), rng)
        cells = self.cells[int(rng.integers(2))][torch.from_numpy(order)]
        true = torch.from_numpy(self.pairs.true(order, chosen))
        batch = self.pairs.batch(order, chosen)
        return Batch(clean=batch.clean, ids=batch.ids, mask=batch.mask, captions=batch.captions, true=true), cells

    def vectors(self, network: Interleaved, batch: Batch, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Return unit vectors of captions and of pictures."""
        mask, limit = batch.mask.to(self.device), network.config.text_limit
        words = (self.words.vectors(batch.ids) * batch.mask[..., None]).to(self.device)[:, :limit]
        prefix = network.picture(cells.to(self.device).float())
        ones = torch.ones(prefix.shape[:2], dtype=torch.bool, device=self.device)
        texts = network.pooled(network(network.words(words), mask[:, :limit]), mask[:, :limit])
        return texts, network.pooled(network(prefix, ones), ones)

    @torch.inference_mode()
    def show(self, network: Interleaved) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show the pictures nearest to each of eight captions; figures: shares found in a batch."""
        batch, cells = self.batch(PROBE)
        assert batch.true is not None
        texts, pictures = self.vectors(network, batch, cells)
        order = (texts @ pictures.T).argsort(1, descending=True).cpu()
        right = batch.true.gather(1, order)
        first, five = (float(right[:, :count].any(1).float().mean()) for count in (1, 5))
        return grid(pixels(batch.clean[order[:8, :8].flatten()])), {"top1": first, "top5": five}

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="An encoder of words and pictures in any order",
            objective="symmetric InfoNCE of captions and pictures",
            papers=(cls.paper, "eichenberg2022magma", "radford2021clip"),
            does="reads",
            limits="It reads what looks like its data.",
        )


@torch.inference_mode()
def cells_of(towers: DualEncoder, states: Tensor) -> Tensor:
    """Return what an image encoder sees of clean states, in half precision: (pictures, cells, width)."""
    return torch.cat([towers.cells(part).half() for part in torch.split(states, _AT_ONCE)]).clone()


@torch.no_grad()
def _take(network: Interleaved, towers: DualEncoder) -> None:
    """Start from a judge's text encoder, word for word."""
    text: Any = towers.text
    try:
        for name in ("enter", "blocks", "out"):
            getattr(network, name).load_state_dict(getattr(text, name).state_dict())
        network.places.copy_(text.places)
    except RuntimeError:
        raise InputError("network: its text encoder has not the shape of objective.towers'; change one") from None
