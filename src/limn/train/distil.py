"""Guidance distillation: a network learns to answer at once what its teacher says with guidance (Meng et al. 2023).

The teacher is the network that training starts from; one forward of one row then serves where guidance takes two.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.kernel.errors import InputError
from limn.networks.transformer import Transformer
from limn.networks.weights import load_state
from limn.train.losses import noise_levels
from limn.train.network import build, starting
from limn.train.recipe import Recipe
from limn.train.tasks import Generation, autocast

__all__ = ["Distillation", "guided"]


class Distillation(Generation):
    """Learning a teacher's guided answers.

    Args:
        recipe: ``init`` names the teacher, ``objective.guided`` the guidance scale.
        device: Where.

    Raises:
        InputError: The recipe names no teacher or no scale.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        if not recipe.init or not recipe.objective.guided:
            raise InputError("init and objective.guided: name the model that is distilled and its guidance scale")
        super().__init__(recipe, device)
        teacher = build(recipe)
        assert isinstance(teacher, Transformer)
        load_state(teacher, starting(recipe.init), source=recipe.init)
        self.teacher = teacher.to(device).eval().requires_grad_(False)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        objective, (batch, _, _, generator) = self.recipe.objective, self.batch(step)
        text, mask = self._text(batch.ids, batch.mask)
        clean = batch.clean.to(self.device)
        time = noise_levels(len(clean), objective, generator).to(self.device)
        noise = torch.randn(clean.shape, generator=generator).to(self.device)
        sigma = time[:, None, None, None]
        noisy = (1 - sigma) * clean + sigma * noise
        with autocast(self.recipe, self.device):
            wanted = guided(self.teacher, noisy, time, text, mask, objective.guided)
            answer = self.answer(noisy, time, text, mask)
        return F.mse_loss(answer.float(), wanted)


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
    free, said = network(x.repeat(2, 1, 1, 1), time.repeat(2), text.repeat(2, 1, 1), masks).float().chunk(2)
    return torch.lerp(free, said, scale)
