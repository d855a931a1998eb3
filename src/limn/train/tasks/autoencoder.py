"""Pictures to latents and back (Rombach et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from limn.networks import autoencoder
from limn.train.card import About
from limn.train.codec_task import CodecTask
from limn.train.losses import reconstruction
from limn.train.recipe import Recipe
from limn.train.task import Objective, autocast


@dataclass(frozen=True, kw_only=True)
class Autoencoding(Objective):
    """What an autoencoder minimises.

    Args:
        gradients: Weight of the L1 loss of picture gradients.
        kl: Weight of the divergence from the standard normal distribution.
    """

    gradients: float = 0.5
    kl: float = 1e-4


def autoencoding(
    picture: Tensor, clean: Tensor, mean: Tensor, log_variance: Tensor, objective: Autoencoding
) -> Tensor:
    """Errors of pictures and of their gradients, and the divergence from the standard normal distribution.

    Args:
        picture: Decoded pictures (rows, 3, height, width) in [-1, 1].
        clean: The pictures themselves.
        mean: Of the raw latents.
        log_variance: Of the raw latents.
        objective: Weights of the terms.

    Returns:
        A scalar.
    """
    mean, log_variance = mean.float(), log_variance.float()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return reconstruction(picture, clean, objective.gradients) + objective.kl * divergence


class Autoencoder(CodecTask[autoencoder.Autoencoder, Autoencoding]):
    """Learning latents for pictures."""

    paper = "rombach2022latent"
    Network = autoencoder.Autoencoder
    Objective = Autoencoding

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        clean, generator = self.pictures(step).clean.to(self.device), self.generator(step)
        with autocast(self.recipe, self.device):
            mean, log_variance = self.network.posterior(clean)
            noise = torch.randn(mean.shape, generator=generator).to(self.device)
            picture = self.network.render(mean + (log_variance / 2).exp() * noise)
        return autoencoding(picture, clean, mean, log_variance, self.objective)

    @torch.inference_mode()
    def finish(self, network: autoencoder.Autoencoder) -> None:
        """Measure the latents' mean and standard deviation, channel by channel."""
        raw = torch.cat([network.posterior(part.to(self.device))[0] for part in torch.split(self.probe, 64)])
        network.mean.copy_(raw.mean((0, 2, 3)))
        network.std.copy_(raw.std((0, 2, 3)).clamp_min(1e-3))

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(kind="An autoencoder", objective="errors of pixels and gradients", papers=(cls.paper,))
