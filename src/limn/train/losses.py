"""What training minimises."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.predictors.diffusion import answer_for
from limn.train.recipe import Objective

__all__ = ["autoencoding", "enlarging", "generation", "noise_levels", "seen_apart"]


def noise_levels(rows: int, objective: Objective, generator: torch.Generator) -> Tensor:
    """Draw noise levels in (0, 1), (rows,): the logistic of a normal distribution (Esser et al. 2024)."""
    normal = torch.randn(rows, generator=generator)
    return torch.sigmoid(objective.time_mean + objective.time_std * normal)


def generation(
    network: Callable[[Tensor, Tensor], Tensor], clean: Tensor, objective: Objective, generator: torch.Generator
) -> Tensor:
    """Mean squared error of the answer at random noise levels (flow matching; Lipman et al. 2023).

    Args:
        network: Answers noisy states (rows, channels, height, width) at times (rows,).
        clean: Clean states, on any device.
        objective: What the network answers and which noise levels are drawn.
        generator: Source of randomness, on the CPU, so that all devices learn from the same numbers.

    Returns:
        A scalar.
    """
    time = noise_levels(len(clean), objective, generator).to(clean.device)
    noise = torch.randn(clean.shape, generator=generator).to(clean.device)
    sigma = time[:, None, None, None]
    alpha = 1 - sigma
    answer = network(alpha * clean + sigma * noise, time)
    return F.mse_loss(answer.float(), answer_for(objective.target, clean, noise, alpha, sigma))


def autoencoding(picture: Tensor, clean: Tensor, mean: Tensor, log_variance: Tensor, objective: Objective) -> Tensor:
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
    error = picture.float() - clean
    edges = _edges(error)
    mean, log_variance = mean.float(), log_variance.float()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    pixels = error.abs().mean() + error.square().mean()
    return pixels + objective.gradients * edges + objective.kl * divergence


def enlarging(picture: Tensor, clean: Tensor, objective: Objective) -> Tensor:
    """Absolute errors of pictures and of their gradients.

    Args:
        picture: Enlarged pictures (rows, 3, height, width) in [-1, 1].
        clean: The pictures as they are at that size.
        objective: Weight of the gradients.

    Returns:
        A scalar.
    """
    error = picture.float() - clean
    return error.abs().mean() + objective.gradients * _edges(error)


def seen_apart(found: Sequence[Tensor], true: Sequence[Tensor]) -> Tensor:
    """Return how far apart a network sees pictures, whatever the strength of what it sees (Zhang et al. 2018).

    Args:
        found: Its features of the pictures at each size, (rows, width, height, width).
        true: Those of the pictures as they should be.

    Returns:
        A scalar: the mean over sizes of the squared distance of features of unit length, from 0 to 4.
    """
    pairs = [
        (F.normalize(one.float(), dim=1), F.normalize(two.float(), dim=1))
        for one, two in zip(found, true, strict=True)
    ]
    return torch.stack([(one - two).square().sum(1).mean() for one, two in pairs]).mean()


def _edges(error: Tensor) -> Tensor:
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
