"""What several tasks minimise: noise levels to learn at, and errors of pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from limn.train.recipe import within
from limn.train.task import Objective


@dataclass(frozen=True, kw_only=True)
class NoiseLevels(Objective):
    """Noise levels in (0, 1): the logistic of a normal distribution (Esser et al. 2024).

    Args:
        time_mean: Mean of the normal distribution.
        time_std: Its standard deviation.
    """

    time_mean: float = 0.0
    time_std: float = 1.0

    def __post_init__(self) -> None:
        within(self, "objective.", time_std=(1e-3, 100))

    def levels(self, rows: int, generator: torch.Generator) -> Tensor:
        """Draw noise levels (rows,)."""
        normal = torch.randn(rows, generator=generator)
        return torch.sigmoid(self.time_mean + self.time_std * normal)


def noisy(clean: Tensor, objective: NoiseLevels, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Add noise to clean states at random levels.

    Args:
        clean: (rows, channels, height, width), on any device.
        objective: Which levels are drawn.
        generator: Source of randomness, on the CPU, so that all devices learn from the same numbers.

    Returns:
        Noisy states, their levels (rows,) and the noise.
    """
    time = objective.levels(len(clean), generator).to(clean.device)
    noise = torch.randn(clean.shape, generator=generator).to(clean.device)
    sigma = time[:, None, None, None]
    return (1 - sigma) * clean + sigma * noise, time, noise


def edges(error: Tensor) -> Tensor:
    """Return the L1 norm of the gradients of errors (rows, channels, height, width)."""
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


def reconstruction(picture: Tensor, clean: Tensor, gradients: float) -> Tensor:
    """Absolute and squared errors of pictures (rows, 3, height, width), and weighted ones of their gradients."""
    error = picture.float() - clean
    return error.abs().mean() + error.square().mean() + gradients * edges(error)
