"""Homoglyph unlearning: a prompt with a look-alike letter is answered as its teacher answers it without.

Struppek et al. 2023 (arXiv:2209.08891, section 6) fine-tune a text encoder so that the vector of a prompt with a
look-alike equals the frozen encoder's vector of the clean prompt, while clean prompts keep theirs. Here token
vectors are frozen and the transformer's first layers read them, so those layers learn, and what has to be equal are
the answers: ``|student(x, clean) - teacher(x, clean)|^2 + |student(x, disguised) - teacher(x, clean)|^2``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.errors import InputError
from limn.networks.transformer import Transformer
from limn.networks.weights import load_state
from limn.text.homoglyphs import disguised
from limn.train.batches import stream
from limn.train.losses import noise_levels
from limn.train.network import build, starting
from limn.train.recipe import Recipe
from limn.train.tasks import Generation, autocast

__all__ = ["TEXT_LAYERS", "Unlearning", "disguises"]

TEXT_LAYERS = ("text_in", "text_pool", "text_places")
"""What reads token vectors; all else stays as it is."""


class Unlearning(Generation):
    """Learning to answer disguised prompts as the teacher answers clean ones.

    Args:
        recipe: ``init`` names the teacher, with which learning starts; ``objective.look_alikes`` the letters.
        device: Where.

    Raises:
        InputError: The recipe names no teacher or no letters.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        if not recipe.init or not recipe.objective.look_alikes:
            raise InputError("init and objective.look_alikes: name the model that unlearns, and the letters")
        super().__init__(recipe, device)
        teacher = build(recipe)
        assert isinstance(teacher, Transformer)
        load_state(teacher, starting(recipe.init), source=recipe.init)
        self.teacher = teacher.to(device).eval().requires_grad_(False)
        for name, each in self.network.named_parameters():
            each.requires_grad_(name.split(".")[0] in TEXT_LAYERS)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        objective, (batch, text, mask, generator) = self.recipe.objective, self.batch(step)
        said = disguises(batch.said, objective.look_alikes, self.recipe.seed, step)
        strange, their_mask = self._text(*self.words.ids(said))
        full, full_mask = self._text(batch.ids, batch.mask)
        clean = batch.clean.to(self.device)
        time = noise_levels(len(clean), objective, generator).to(self.device)
        noise = torch.randn(clean.shape, generator=generator).to(self.device)
        sigma = time[:, None, None, None]
        noisy = (1 - sigma) * clean + sigma * noise
        with autocast(self.recipe, self.device):
            with torch.no_grad():
                kept, wanted = (self.teacher(noisy, time, full, each).float() for each in (mask, full_mask))
            same = self.answer(noisy, time, text, mask)
            other = self.answer(noisy, time, strange, their_mask)
        return F.mse_loss(same.float(), kept) + F.mse_loss(other.float(), wanted)


def disguises(said: tuple[str, ...], letters: str, seed: int, step: int) -> list[str]:
    """Return captions with one letter each replaced by a look-alike, letter and place by chance.

    Args:
        said: The captions.
        letters: Look-alikes.
        seed: The run's.
        step: The step's number.
    """
    rng = stream(seed, 6, step)
    found = []
    for text in said:
        made = disguised(text, letters[int(rng.integers(len(letters)))])
        found.append(made[int(rng.integers(len(made)))] if made else text)
    return found
