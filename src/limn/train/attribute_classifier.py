"""Training of an attribute reader: pictograms, crisp and as a generator draws them, and what they show.

A share of the pictures is put together from pieces of others. Of these nothing can be read, so that every answer
shall be as likely as any other (outlier exposure: Hendrycks et al. 2019, arXiv:1812.04606).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.data.pictograms import load
from limn.data.split import SPLITS, unit
from limn.networks.attribute_reader import AttributeReader
from limn.train.batches import signed, stream
from limn.train.network import build, codec_of
from limn.train.pairs import soften
from limn.train.recipe import Recipe
from limn.train.tasks import autocast, grid, pixels

__all__ = [
    "HELD_OUT",
    "NOTHING",
    "Labelled",
    "Reading",
    "broken",
    "labels_of",
    "place_of",
    "reading_loss",
    "softened",
]

HELD_OUT = 0.15
"""The share of all pictures that a reader never learns from; a third of it decides on thresholds."""

NOTHING = "none"
"""The value of a field of which a picture has nothing, such as the skin tone of a house."""

_BROKEN = 0.08
_NOISE = 0.4  # most noise on latents, whose own standard deviation is 1
_SOFT = 4_000  # pictures of which there is a soft version as well


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """What one step learns from.

    Args:
        clean: Pictures (rows, 3, height, width) in [-1, 1].
        labels: The place of the right value of each field, (rows, fields); -1 where it is not known or has two.
        readable: Which pictures show one thing (rows,); of the others nothing can be said.
    """

    clean: Tensor
    labels: Tensor
    readable: Tensor


def place_of(key: str) -> float:
    """Return the place of a picture among all, in [0, 1); those below :data:`HELD_OUT` are held out.

    Held out are single pictures of every split, for a reader has to know each drawing that a model may draw.
    """
    return unit("reader:" + key)


def labels_of(columns: Mapping[str, Sequence[Any]], fields: Mapping[str, Sequence[str]]) -> NDArray[np.int64]:
    """Look up what pictures show.

    Args:
        columns: Of a picture set; the field ``category`` is read from the column ``subgroup``.
        fields: The values of each field.

    Returns:
        Places of the values (pictures, fields), -1 where a picture shows none of them.

    >>> labels_of({"tone": ["dark", "", "dark+light"]}, {"tone": ["light", "dark", "none"]}).tolist()
    [[1], [2], [-1]]
    """
    found = []
    for name, values in fields.items():
        places = {value: place for place, value in enumerate(values)}
        found.append([places.get(each or NOTHING, -1) for each in columns[_COLUMN.get(name, name)]])
    return np.array(found, np.int64).reshape(len(fields), -1).T


_COLUMN = {"category": "subgroup"}


def softened(pictures: NDArray[np.uint8], autoencoder: str, rng: np.random.Generator, noise: float) -> Tensor:
    """Return pictures as a latent generator draws them: through an autoencoder, with some noise on the latents.

    Args:
        pictures: (n, height, width, 3), 0 to 255.
        autoencoder: Folder of a trained autoencoder, or the name of a shipped model that has one.
        rng: Source of the noise.
        noise: Most of it; each picture draws its own share.

    Returns:
        States (n, 3, height, width) in [-1, 1].
    """
    codec, parts = codec_of(autoencoder), []
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=_fast()):
        for part in np.array_split(pictures, len(pictures) // 128 + 1):
            latents = codec.encode(signed(part))
            size = torch.from_numpy(rng.uniform(0, noise, len(part))).float()[:, None, None, None]
            extra = torch.from_numpy(rng.standard_normal(latents.shape, dtype=np.float32))
            parts.append(codec.decode(latents + size * extra).float().clamp(-1, 1))
    return torch.cat(parts).clone()


def _fast() -> bool:
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def broken(states: Tensor, rng: np.random.Generator, pieces: int = 4) -> Tensor:
    """Return pictures put together from pieces, each of another picture; the same shape."""
    rows, channels, height, width = states.shape
    cut = states.view(rows, channels, pieces, height // pieces, pieces, width // pieces)
    cut = cut.permute(2, 4, 0, 1, 3, 5).flatten(0, 1)
    mixed = torch.stack([piece[torch.from_numpy(rng.permutation(rows))] for piece in cut])
    mixed = mixed[torch.from_numpy(rng.permutation(len(mixed)))]
    laid = mixed.view(pieces, pieces, rows, channels, height // pieces, width // pieces)
    return laid.permute(2, 3, 0, 4, 1, 5).reshape(states.shape)


def reading_loss(logits: Mapping[str, Tensor], labels: Tensor, readable: Tensor) -> Tensor:
    """Mean over fields of the cross entropy of known values, and of all values where nothing can be read.

    Args:
        logits: Of each field (rows, values).
        labels: (rows, fields), -1 where not known.
        readable: (rows,).

    Returns:
        A scalar.
    """
    losses = []
    for place, each in enumerate(logits.values()):
        right = torch.where(readable, labels[:, place], -1)
        known = F.cross_entropy(each, right, ignore_index=-1, reduction="sum")
        nothing = -each.log_softmax(1).mean(1)[~readable].sum()
        losses.append((known + nothing) / ((right >= 0) | ~readable).sum().clamp_min(1))
    return torch.stack(losses).mean()


class Reading:
    """The task of an attribute reader, for the loop.

    Args:
        recipe: What to do; ``data.toned`` is the share of people with a skin tone, half of it of people at work.
        device: Where.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device = recipe, device
        network = build(recipe).to(device)
        assert isinstance(network, AttributeReader)
        self.network, fields = network, network.config.fields
        source = load(Path(recipe.data.folder), SPLITS, recipe.data.styles or None)
        learned, held = (
            source.take([row for row, key in enumerate(source.columns["key"]) if (place_of(key) < HELD_OUT) == out])
            for out in (False, True)
        )
        self.probe = signed(held.on()), torch.from_numpy(labels_of(held.columns, fields))
        self.labels = torch.from_numpy(labels_of(learned.columns, fields))
        self.clean = signed(learned.on())
        self.soft = torch.full((len(learned),), -1)
        if recipe.data.autoencoder:
            rng = stream(recipe.seed, 2)
            chosen = rng.permutation(len(learned))[:_SOFT]
            self.soft[torch.from_numpy(chosen)] = len(learned) + torch.arange(len(chosen))
            soft = softened(learned.take(chosen.tolist()).on(), recipe.data.autoencoder, rng, _NOISE)
            self.clean = torch.cat([self.clean, soft])
        work = np.array([bool(each) for each in learned.columns["profession"]])
        toned = np.array([bool(each) for each in learned.columns["tone"]]) & ~work
        self.pools = [np.flatnonzero(each) for each in (work, toned, ~work & ~toned)]

    def batch(self, step: int) -> Labelled:
        """Return what a step learns from."""
        rng, rows, data = stream(self.recipe.seed, 1, step), self.recipe.optimiser.batch, self.recipe.data
        share = np.array([data.toned / 2, data.toned / 2, 1 - data.toned]) * [len(pool) > 0 for pool in self.pools]
        pool = rng.choice(3, rows, p=share / share.sum())
        order = torch.from_numpy(np.array([rng.choice(self.pools[each]) for each in pool]))
        soft = torch.from_numpy(rng.random(rows) < 0.7) & (self.soft[order] >= 0)
        clean = self.clean[torch.where(soft, self.soft[order], order)]
        if data.jitter:
            clean = soften(clean, rng, data.jitter)
        readable = torch.from_numpy(rng.random(rows) >= _BROKEN)
        pieces = broken(clean, rng, int(rng.choice([2, 4])))
        clean = torch.where(readable[:, None, None, None], clean, pieces)
        return Labelled(clean=clean, labels=self.labels[order], readable=readable)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        found = self.batch(step)
        with autocast(self.recipe, self.device):
            logits = self.network(found.clean.to(self.device))
        return reading_loss(logits, found.labels.to(self.device), found.readable.to(self.device))

    def finish(self, network: nn.Module) -> None:
        """Nothing is left to measure."""

    @torch.inference_mode()
    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show a batch; the figures are the shares of held-out pictures whose value of a field is read right."""
        assert isinstance(network, AttributeReader)
        clean, labels = self.probe
        parts = [network(part.to(self.device)) for part in torch.split(clean, 256)]
        scores = {}
        for place, name in enumerate(network.config.fields):
            best = torch.cat([part[name].argmax(1) for part in parts]).cpu()
            known = labels[:, place] >= 0
            scores[name] = float((best == labels[:, place])[known].float().mean()) if known.any() else 0.0
        return grid(pixels(self.batch(2**40).clean[:32])), scores
