"""Training of dual encoders: pictures and their captions meet, all others part.

The loss is the symmetric one of CLIP (Radford et al. 2021, arXiv:2103.00020). A caption that is true of another
picture of the batch is no negative of it: such pairs are left out of both sums.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.networks.autoencoder import Autoencoder
from limn.networks.dual_encoder import DualEncoder
from limn.networks.token_embeddings import TokenVectors
from limn.train.batches import stream
from limn.train.losses import noise_levels
from limn.train.network import build, codec_of
from limn.train.pairs import Pairs, pairs_for
from limn.train.recipe import Recipe
from limn.train.tasks import autocast, grid, pixels

__all__ = ["Contrastive", "info_nce"]

_PROBE = 2**40  # batches from here on are shown, never learned from


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


class Contrastive:
    """The task of a dual encoder, for the loop."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device, self.words = recipe, device, TokenVectors()
        network = build(recipe).to(device)
        assert isinstance(network, DualEncoder)
        self.network = network
        self.feed = pairs_for(recipe, self.words)
        self.codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step; a noisy encoder learns at random noise levels."""
        found = self.feed(step)
        clean, time = found.clean, None
        if self.network.config.noisy:
            generator = torch.Generator().manual_seed(int(stream(self.recipe.seed, 3, step).integers(2**62)))
            time = noise_levels(len(clean), self.recipe.objective, generator)
            clean = torch.lerp(clean, torch.randn(clean.shape, generator=generator), time[:, None, None, None])
            time = time.to(self.device)
        with autocast(self.recipe, self.device):
            images = self.network.images(clean.to(self.device), time)
            texts = self._texts(self.network, found)
        return info_nce(self.network.scale * texts @ images.T, found.true.to(self.device))

    def finish(self, network: nn.Module) -> None:
        """Nothing is left to measure."""

    @torch.inference_mode()
    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show the pictures nearest to each of eight captions; the figures are shares found in a batch."""
        assert isinstance(network, DualEncoder)
        found = self.feed(_PROBE)
        close = self._texts(network, found) @ network.images(found.clean.to(self.device)).T
        order = close.argsort(1, descending=True).cpu()
        right = found.true.gather(1, order)
        rows = found.clean[order[:8, :8].flatten()]
        pictures = pixels(self.codec.decode(rows) if isinstance(self.codec, Autoencoder) else rows)
        first, five = (float(right[:, :count].any(1).float().mean()) for count in (1, 5))
        return grid(pictures), {"top1": first, "top5": five}

    def _texts(self, network: DualEncoder, found: Pairs) -> Tensor:
        vectors = self.words.vectors(found.ids) * found.mask[..., None]
        return network.texts(vectors.to(self.device), found.mask.to(self.device))
