"""Dual encoders: pictures and their captions meet, all others part.

The loss is the symmetric one of CLIP (Radford et al. 2021, arXiv:2103.00020). A caption that is true of another
picture of the batch is no negative of it: such pairs are left out of both sums.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.networks.autoencoder import Autoencoder
from limn.networks.dual_encoder import CONFIG, DualEncoder
from limn.networks.token_embeddings import TokenVectors
from limn.train.batches import PROBE, Batch
from limn.train.card import About
from limn.train.losses import NoiseLevels
from limn.train.network import codec_of
from limn.train.recipe import Recipe
from limn.train.sheet import grid, pixels
from limn.train.task import Task, autocast
from limn.train.worlds import WORLDS


def info_nce(logits: Tensor, true: Tensor | None = None) -> Tensor:
    """Mean cross entropy of finding the own picture by the caption, and the own caption by the picture.

    Args:
        logits: Scaled similarity of caption i and picture j, (rows, rows).
        true: Which captions are true of which pictures; off the diagonal these pairs are left out.

    Returns:
        A scalar.

    >>> float(info_nce(torch.zeros(4, 4)))  # the logarithm of 4
    1.3862943649291992
    """
    own = torch.arange(len(logits), device=logits.device)
    if true is not None:
        also = true.clone()
        also[own, own] = False
        logits = logits.masked_fill(also, -torch.inf)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


class Contrastive(Task[DualEncoder, NoiseLevels]):
    """Learning which captions are of which pictures; a noisy encoder learns at random noise levels."""

    paper = "radford2021clip"
    config_file = CONFIG
    Network = DualEncoder
    Objective = NoiseLevels

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        self.words = TokenVectors()
        self.pairs = WORLDS[recipe.data.world](recipe, self.words).pairs
        self.codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch, time = self.pairs(step), None
        clean = batch.clean
        if self.network.config.noisy:
            generator = self.generator(step)
            time = self.objective.levels(len(clean), generator)
            clean = torch.lerp(clean, torch.randn(clean.shape, generator=generator), time[:, None, None, None])
            time = time.to(self.device)
        with autocast(self.recipe, self.device):
            images = self.network.images(clean.to(self.device), time)
            texts = self.texts(self.network, batch)
        assert batch.true is not None
        return info_nce(self.network.scale * texts @ images.T, batch.true.to(self.device))

    @torch.inference_mode()
    def show(self, network: DualEncoder) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show the pictures nearest to each of eight captions; the figures are shares found in a batch."""
        batch = self.pairs(PROBE)
        assert batch.true is not None
        close = self.texts(network, batch) @ network.images(batch.clean.to(self.device)).T
        order = close.argsort(1, descending=True).cpu()
        right = batch.true.gather(1, order)
        rows = batch.clean[order[:8, :8].flatten()]
        pictures = pixels(self.codec.decode(rows) if isinstance(self.codec, Autoencoder) else rows)
        first, five = (float(right[:, :count].any(1).float().mean()) for count in (1, 5))
        return grid(pictures), {"top1": first, "top5": five}

    def texts(self, network: DualEncoder, batch: Batch) -> Tensor:
        """Return the vectors of a batch's captions."""
        vectors = self.words.vectors(batch.ids) * batch.mask[..., None]
        return network.texts(vectors.to(self.device), batch.mask.to(self.device))

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="A dual encoder of pictures and texts, to judge by or to guide with",
            objective="symmetric InfoNCE",
            papers=(cls.paper,),
            does="reads",
            limits="It judges what looks like its data, and who is guided by it can please it without being right.",
            portion=f"half {recipe.data.half} of all splits" if recipe.data.half else "all splits",
        )
