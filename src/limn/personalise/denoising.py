"""What every method minimises: how far a model's answers are from the true ones, at noise levels that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.predictor import Conditioning
from limn.kernel.stage import Stage
from limn.predictors.diffusion import Diffusion, answer_for
from limn.samplers.ddim import DDIM

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of a picture's sides."""

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

_MOST = 1e4  # stands for the infinite noise over signal of pure noise


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What one step learns from.

    Args:
        clean: Clean states (rows, channels, height, width).
        captions: One for each.
        weights: What each counts in the loss (rows,).
        boxes: Which part of the whole picture each shows; the whole one unless given.
    """

    clean: Tensor
    captions: tuple[str, ...]
    weights: Tensor
    boxes: tuple[Box, ...] = ()

    @staticmethod
    def of(clean: Tensor, captions: Sequence[str], weight: float = 1.0, boxes: Sequence[Box] = ()) -> Rows:
        """Return rows that together count ``weight``."""
        share = torch.full((len(clean),), weight / max(1, len(clean)))
        return Rows(clean=clean, captions=tuple(captions), weights=share, boxes=tuple(boxes))

    def beside(self, other: Rows) -> Rows:
        """Return these rows and others, for one forward."""
        return Rows(
            clean=torch.cat([self.clean, other.clean]),
            captions=self.captions + other.captions,
            weights=torch.cat([self.weights, other.weights]),
            boxes=self.boxes + other.boxes,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """Noise for some rows, and the levels that it comes at.

    Args:
        values: Standard normal (rows, channels, height, width).
        levels: alpha, sigma and time of each row (rows, 3).
    """

    values: Tensor
    levels: Tensor


class Denoiser:
    """The network of a stage, asked at a level of its own for each row.

    Args:
        stage: Of a model that answers with clean states.

    Raises:
        InputError: It is a model of tokens, or preconditioned in a way that has no single target.
    """

    def __init__(self, stage: Stage) -> None:
        if not isinstance(stage.predictor, Diffusion) or stage.predictor.edm is not None:
            raise InputError("model: it learns from noise on pictures only; use emoji, shapes or Stable Diffusion")
        self.stage, self.predictor = stage, stage.predictor

    @cached_property
    def levels(self) -> Tensor:
        """All levels that are learned at, from noise to picture: alpha, sigma and time (levels, 3)."""
        count = getattr(self.stage.schedule, "timesteps", 1000)
        levels = self.stage.schedule.levels(count, DDIM())[:-1]
        return torch.tensor([(level.alpha, level.sigma, level.time) for level in levels], dtype=torch.float32)

    def noise(self, like: Tensor, generator: torch.Generator) -> Noise:
        """Draw noise for states, each at a level drawn evenly, on the CPU, so that devices learn from the same."""
        places = torch.randint(len(self.levels), (len(like),), generator=generator)
        return Noise(values=torch.randn(like.shape, generator=generator), levels=self.levels[places])

    def fixed_noise(self, like: Tensor, seed: int) -> Noise:
        """Draw noise for states at levels that lie evenly from first to last, the same at every call."""
        places = ((torch.arange(len(like)) + 0.5) * len(self.levels) / len(like)).long()
        values = torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))
        return Noise(values=values, levels=self.levels[places])

    def answers(self, clean: Tensor, noise: Noise, conditioning: Conditioning) -> Tensor:
        """Return what the network answers at ``alpha * clean + sigma * noise`` (rows, ...)."""
        clean, values, levels = (part.to(self.stage.device) for part in (clean, noise.values, noise.levels))
        alpha, sigma, time = levels.unbind(1)
        x = _wide(alpha) * clean + _wide(sigma) * values
        ratio = (sigma / alpha).clamp(max=_MOST)
        network: Any = self.predictor.network
        answer: Tensor = network(x, time, conditioning, (None,) * len(x), ratio)
        return answer.float()

    def errors(self, clean: Tensor, noise: Noise, conditioning: Conditioning) -> Tensor:
        """Return the mean squared error of each row's answer (rows,)."""
        answer = self.answers(clean, noise, conditioning)
        clean, values, levels = (part.to(answer) for part in (clean, noise.values, noise.levels))
        alpha, sigma = (_wide(part) for part in levels.unbind(1)[:2])
        true = answer_for(self.predictor.target, clean, values, alpha, sigma)
        return (answer - true).square().flatten(1).mean(1)


def _wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]
