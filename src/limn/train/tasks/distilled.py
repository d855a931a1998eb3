"""Guidance distillation: a network learns to answer at once what its teacher says with guidance (Meng et al. 2023).

The teacher is the network that training starts from; one forward of one row then serves where guidance takes two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.kernel.errors import InputError
from limn.train.card import About
from limn.train.losses import noisy
from limn.train.network import teacher
from limn.train.recipe import Recipe, within
from limn.train.task import autocast
from limn.train.tasks.generator import Drawing, Generator


@dataclass(frozen=True, kw_only=True)
class Distilling(Drawing):
    """What a student minimises.

    Args:
        guided: Guidance scale that it learns to answer with.
    """

    guided: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, "objective.", guided=(0, 100))


class Distilled(Generator):
    """Learning a teacher's guided answers; the recipe's ``init`` names the teacher."""

    paper = "meng2023distillation"
    Objective = Distilling
    objective: Distilling

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        if not recipe.init or not self.objective.guided:
            raise InputError("init and objective.guided: name the model that is distilled and its guidance scale")
        self.teacher = teacher(recipe, device)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch, _, _, generator = self.batch(step)
        text, mask = self.text(batch.ids, batch.mask)
        x, time, _ = noisy(batch.clean.to(self.device), self.objective, generator)
        with autocast(self.recipe, self.device):
            wanted = guided(self.teacher, x, time, text, mask, self.objective.guided)
            answer = self.answer(x, time, text, mask)
        return F.mse_loss(answer.float(), wanted)

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        about = super().about(recipe)
        return replace(about, kind="A text-to-image model that needs no guidance", papers=(*about.papers, cls.paper))


@torch.no_grad()
def guided(network: nn.Module, x: Tensor, time: Tensor, text: Tensor, mask: Tensor, scale: float) -> Tensor:
    """Return classifier-free guided answers; linear, hence the same in whatever space the network answers.

    Args:
        network: The teacher.
        x: Noisy states (rows, channels, height, width).
        time: Noise levels (rows,).
        text: Text vectors (rows, words, width).
        mask: Which of them are real (rows, words).
        scale: Guidance scale; 1 is the plain answer.
    """
    masks = torch.cat([torch.zeros_like(mask), mask])
    free, full = network(x.repeat(2, 1, 1, 1), time.repeat(2), text.repeat(2, 1, 1), masks).float().chunk(2)
    return torch.lerp(free, full, scale)
