"""Pictures to tokens and back (Yu et al. 2022, arXiv:2110.04627)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.networks import vq
from limn.networks.dual_encoder import DualEncoder, ImageTower
from limn.train.card import About
from limn.train.codec_task import CodecTask
from limn.train.losses import reconstruction
from limn.train.recipe import Recipe, within
from limn.train.task import Objective, autocast


@dataclass(frozen=True, kw_only=True)
class Quantising(Objective):
    """What a vector-quantised autoencoder minimises.

    Args:
        gradients: Weight of the L1 loss of picture gradients.
        commitment: Weight of the distance that draws features to codes.
        revive: Steps during which codes that are hardly used are put where data lie.
        decoder: Train the decoder alone; its tokens stay what they are.
        features: Weight of how far apart ``judge`` sees decoded pictures and the true ones.
        judge: A dual encoder's name or folder; one that judges the model afterwards must be another.
    """

    gradients: float = 0.5
    commitment: float = 0.25
    revive: int = 500
    decoder: bool = False
    features: float = 0.0
    judge: str = "judge_a"

    def __post_init__(self) -> None:
        within(self, "objective.", features=(0, 100), commitment=(0, 100), revive=(0, 10**9))


def quantising(coded: vq.Quantised, clean: Tensor, objective: Quantising) -> Tensor:
    """Errors of pictures and of their gradients, and the distance of features and codes.

    Args:
        coded: What became of the pictures.
        clean: The pictures (pictures, 3, height, width) in [-1, 1].
        objective: Weights of the terms.
    """
    error = reconstruction(coded.picture, clean, objective.gradients)
    return error + coded.pull + objective.commitment * coded.commitment


def perceptual_distance(features: Sequence[Tensor], true: Sequence[Tensor]) -> Tensor:
    """Return how far apart a network sees pictures, whatever the strength of what it sees (Zhang et al. 2018).

    Args:
        features: Its features of the pictures at each size, (rows, width, height, width).
        true: Those of the pictures as they should be.

    Returns:
        A scalar: the mean over sizes of the squared distance of features of unit length, from 0 to 4.
    """
    pairs = [
        (F.normalize(one.float(), dim=1), F.normalize(two.float(), dim=1))
        for one, two in zip(features, true, strict=True)
    ]
    return torch.stack([(one - two).square().sum(1).mean() for one, two in pairs]).mean()


class VQ(CodecTask[vq.VQ, Quantising]):
    """Learning tokens for pictures."""

    Network = vq.VQ
    Objective = Quantising

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        if self.objective.decoder:
            self.network.encoder.requires_grad_(False)
            self.network.codebook.requires_grad_(False)
        judge = self.objective.judge if self.objective.features else None
        self.tower = DualEncoder.load(judge, device=device).image if judge else None

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        objective, clean = self.objective, self.pictures(step).clean.to(self.device)
        if not objective.decoder and step < objective.revive and step % 10 == 0:
            with torch.no_grad(), autocast(self.recipe, self.device):
                self.network.revive(self.network.features(clean), self.generator(step))
        with autocast(self.recipe, self.device):
            coded: vq.Quantised = self.network(clean)
        if not objective.decoder:
            self.network.note(coded.ids)
        loss = quantising(coded, clean, objective)
        return loss if self.tower is None else loss + objective.features * self._apart(self.tower, coded, clean)

    def _apart(self, tower: ImageTower, coded: vq.Quantised, clean: Tensor) -> Tensor:
        with autocast(self.recipe, self.device):
            with torch.no_grad():
                true = tower.features(clean)
            return perceptual_distance(tower.features(coded.picture.float()), true)

    @torch.inference_mode()
    def finish(self, network: vq.VQ) -> None:
        """Measure how much each token is used; 1 is an equal share."""
        ids = self.encoded(network)
        counts = torch.bincount(ids.flatten(), minlength=network.codes)
        network.usage.copy_(counts * (network.codes / ids.numel()))

    def show(self, network: vq.VQ) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures above what becomes of them; figures: signal-to-noise ratio in dB, tokens in use."""
        picture, scores = super().show(network)
        ids = self.encoded(network)
        used = len(torch.unique(ids)) / network.codes
        return picture, {**scores, "perplexity": vq.perplexity(ids, network.codes), "used": used}

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        objective = "errors of pixels and gradients, distance of features and codes"
        return About(kind="A vector-quantised autoencoder", objective=objective, papers=("rombach2022latent",))
