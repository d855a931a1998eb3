"""Attribute readers: pictograms, crisp and as a generator draws them, and what they show.

A share of the pictures is put together from pieces of others. Of these nothing can be read, so that every answer
shall be as likely as any other (outlier exposure: Hendrycks et al. 2019, arXiv:1812.04606).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.data.picture_set import PictureSet
from limn.data.split import SPLITS, unit
from limn.io.atomic import write_text
from limn.networks.attribute_reader import CONFIG, AttributeReader
from limn.train.augmentation import jittered, shuffled_patches
from limn.train.batches import PROBE, reconstructed, signed, stream
from limn.train.calibration import calibrated
from limn.train.card import About
from limn.train.recipe import Recipe
from limn.train.sheet import grid, pixels
from limn.train.task import Export, Objective, Task, autocast
from limn.train.worlds.pictograms import pictograms_of

HELD_OUT = 0.15
"""The share of all pictures that a reader never learns from; a third of it decides on thresholds."""

NOTHING = "none"
"""The value of a field of which a picture has nothing, such as the skin tone of a house."""

_BROKEN = 0.08
_NOISE = 0.4  # most noise on latents, whose own standard deviation is 1; thresholds are chosen at half of it
_SOFT = 4_000  # pictures of which there is a soft version as well
_COLUMN = {"category": "subgroup"}


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
    labels = []
    for name, values in fields.items():
        places = {value: place for place, value in enumerate(values)}
        labels.append([places.get(shown or NOTHING, -1) for shown in columns[_COLUMN.get(name, name)]])
    return np.array(labels, np.int64).reshape(len(fields), -1).T


def attribute_loss(logits: Mapping[str, Tensor], labels: Tensor, readable: Tensor) -> Tensor:
    """Mean over fields of the cross entropy of known values, and of all values where nothing can be read.

    Args:
        logits: Of each field (rows, values).
        labels: (rows, fields), -1 where not known.
        readable: (rows,).

    Returns:
        A scalar.
    """
    losses = []
    for place, values in enumerate(logits.values()):
        right = torch.where(readable, labels[:, place], -1)
        known = F.cross_entropy(values, right, ignore_index=-1, reduction="sum")
        nothing = -values.log_softmax(1).mean(1)[~readable].sum()
        losses.append((known + nothing) / ((right >= 0) | ~readable).sum().clamp_min(1))
    return torch.stack(losses).mean()


class AttributeClassifier(Task[AttributeReader, Objective]):
    """Learning to read attributes.

    The recipe's ``data.toned`` is the share of people with a skin tone, half of it of people at work.
    """

    paper = "hendrycks2019exposure"
    aliases = ("reader",)
    config_file = CONFIG
    Network = AttributeReader

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        fields, (learned, held) = self.network.config.fields, _parts(recipe)
        self.probe = signed(held.on()), torch.from_numpy(labels_of(held.columns, fields))
        self.labels = torch.from_numpy(labels_of(learned.columns, fields))
        self.clean = signed(learned.on())
        self.soft = torch.full((len(learned),), -1)
        if recipe.data.autoencoder:
            rng = stream(recipe.seed, 2)
            chosen = rng.permutation(len(learned))[:_SOFT]
            self.soft[torch.from_numpy(chosen)] = len(learned) + torch.arange(len(chosen))
            soft = reconstructed(learned.take(chosen.tolist()).on(), recipe.data.autoencoder, rng, _NOISE)
            self.clean = torch.cat([self.clean, soft])
        work = np.array([bool(name) for name in learned.columns["profession"]])
        toned = np.array([bool(name) for name in learned.columns["tone"]]) & ~work
        self.pools = [np.flatnonzero(rows) for rows in (work, toned, ~work & ~toned)]

    def batch(self, step: int) -> Labelled:
        """Return what a step learns from."""
        rng, rows, data = stream(self.recipe.seed, 1, step), self.recipe.optimiser.batch, self.recipe.data
        share = np.array([data.toned / 2, data.toned / 2, 1 - data.toned]) * [len(pool) > 0 for pool in self.pools]
        pools = rng.choice(3, rows, p=share / share.sum())
        order = torch.from_numpy(np.array([rng.choice(self.pools[pool]) for pool in pools]))
        soft = torch.from_numpy(rng.random(rows) < 0.7) & (self.soft[order] >= 0)
        clean = self.clean[torch.where(soft, self.soft[order], order)]
        if data.jitter:
            clean = jittered(clean, rng, data.jitter)
        readable = torch.from_numpy(rng.random(rows) >= _BROKEN)
        broken = shuffled_patches(clean, rng, int(rng.choice([2, 4])))
        clean = torch.where(readable[:, None, None, None], clean, broken)
        return Labelled(clean=clean, labels=self.labels[order], readable=readable)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch = self.batch(step)
        with autocast(self.recipe, self.device):
            logits = self.network(batch.clean.to(self.device))
        return attribute_loss(logits, batch.labels.to(self.device), batch.readable.to(self.device))

    @torch.inference_mode()
    def show(self, network: AttributeReader) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show a batch; the figures are the shares of held-out pictures whose value of a field is read right."""
        clean, labels = self.probe
        parts = [network(part.to(self.device)) for part in torch.split(clean, 256)]
        scores = {}
        for place, name in enumerate(network.config.fields):
            best = torch.cat([part[name].argmax(1) for part in parts]).cpu()
            known = labels[:, place] >= 0
            scores[name] = float((best == labels[:, place])[known].float().mean()) if known.any() else 0.0
        return grid(pixels(self.batch(PROBE).clean[:32])), scores

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="A reader of attributes: style, skin tone, gender, profession and kind, as they are drawn",
            objective="cross-entropy of each field's values",
            papers=(cls.paper,),
            does="reads",
            limits="It says as what somebody is represented, in the terms of the pictograms, and errs; "
            "confusion.json counts it.",
            portion="85 % of all splits",
        )

    @classmethod
    def export(cls, network: AttributeReader, recipe: Recipe, folder: Path, wanted: Export) -> dict[str, Any]:
        """Write the reader, and how often it errs on pictures it never saw; a third of them sets thresholds."""
        config = super().export(network, recipe, folder, wanted)
        _, held = _parts(recipe)
        pictures, labels = held.on(), labels_of(held.columns, network.config.fields)
        crisp = soft = signed(pictures)
        if recipe.data.autoencoder:
            soft = reconstructed(pictures, recipe.data.autoencoder, stream(recipe.seed, 6), _NOISE / 2)
        chosen = np.array([place_of(key) < HELD_OUT / 3 for key in held.columns["key"]])
        counts = calibrated(network, {"soft": soft, "crisp": crisp}, labels, chosen)
        write_text(folder / "confusion.json", json.dumps(counts) + "\n")
        return config


def _parts(recipe: Recipe) -> list[PictureSet]:
    """Return the pictures to learn from and the held-out ones."""
    source = pictograms_of(recipe, SPLITS)
    held = np.array([place_of(key) < HELD_OUT for key in source.columns["key"]])
    return [source.take(np.flatnonzero(rows).tolist()) for rows in (~held, held)]
