"""What tasks of codecs share: pictures without words, and sheets of pictures above what becomes of them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.networks.autoencoder import Autoencoder
from limn.networks.token_embeddings import TokenVectors
from limn.networks.vq import VQ
from limn.train.batches import PROBE
from limn.train.recipe import Recipe
from limn.train.sheet import beside, pixels
from limn.train.task import Objective, Task
from limn.train.worlds import WORLDS

N = TypeVar("N", Autoencoder, VQ)
G = TypeVar("G", bound=Objective)


class CodecTask(Task[N, G]):
    """Learning states or tokens for pictures."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        self.pictures = WORLDS[recipe.data.world](recipe, TokenVectors()).pictures
        count = -(-256 // recipe.optimiser.batch)
        self.probe = torch.cat([self.pictures(PROBE + k).clean for k in range(count)])

    @torch.inference_mode()
    def encoded(self, network: N) -> Tensor:
        """Return the states or tokens of the pictures that are shown and measured."""
        return torch.cat([network.encode(part.to(self.device)) for part in torch.split(self.probe, 64)])

    @torch.inference_mode()
    def show(self, network: N) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures above what becomes of them; the figure is the peak signal-to-noise ratio in dB."""
        parts = [network.decode(part).cpu() for part in torch.split(self.encoded(network), 64)]
        back = torch.cat(parts).clamp(-1, 1)
        error = ((back - self.probe) / 2).square().mean((1, 2, 3))
        return beside(pixels(self.probe[:32]), pixels(back[:32])), {"psnr": float((-10 * error.log10()).mean())}
