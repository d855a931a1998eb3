"""Homoglyph unlearning: a prompt with a look-alike letter is answered as its teacher answers it without.

Struppek et al. 2023 (arXiv:2209.08891, section 6) fine-tune a text encoder so that the vector of a prompt with a
look-alike equals the frozen encoder's vector of the clean prompt, while clean prompts keep theirs. Here token
vectors are frozen and the transformer's first layers read them, so those layers learn, and what has to be equal are
the answers: ``|student(x, clean) - teacher(x, clean)|^2 + |student(x, disguised) - teacher(x, clean)|^2``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.errors import InputError
from limn.text.homoglyphs import disguised
from limn.train.batches import stream
from limn.train.card import About
from limn.train.losses import noisy
from limn.train.network import teacher
from limn.train.recipe import Recipe
from limn.train.task import autocast
from limn.train.tasks.generator import Drawing, Generator

TEXT_LAYERS = ("text_in", "text_pool", "text_places")
"""What reads token vectors; all else stays as it is."""


@dataclass(frozen=True, kw_only=True)
class Forgetting(Drawing):
    """What is unlearned.

    Args:
        look_alikes: The letters.
    """

    look_alikes: str = "\u03bf\u043e\u0647\u3147"


class Unlearning(Generator):
    """Learning to answer disguised prompts as the teacher, whom the recipe's ``init`` names, answers clean ones."""

    Objective = Forgetting
    objective: Forgetting

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        if not recipe.init or not self.objective.look_alikes:
            raise InputError("init and objective.look_alikes: name the model that unlearns, and the letters")
        self.teacher = teacher(recipe, device)
        for name, weight in self.network.named_parameters():
            weight.requires_grad_(name.split(".")[0] in TEXT_LAYERS)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        batch, text, mask, generator = self.batch(step)
        captions = disguises(batch.captions, self.objective.look_alikes, self.recipe.seed, step)
        strange, strange_mask = self.text(*self.words.ids(captions))
        full, full_mask = self.text(batch.ids, batch.mask)
        x, time, _ = noisy(batch.clean.to(self.device), self.objective, generator)
        with autocast(self.recipe, self.device):
            with torch.no_grad():
                kept, wanted = (self.teacher(x, time, full, shown).float() for shown in (mask, full_mask))
            same = self.answer(x, time, text, mask)
            other = self.answer(x, time, strange, strange_mask)
        return F.mse_loss(same.float(), kept) + F.mse_loss(other.float(), wanted)

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        kind = "A text-to-image model that takes look-alike letters for what they look like"
        return replace(super().about(recipe), kind=kind)


def disguises(captions: tuple[str, ...], letters: str, seed: int, step: int) -> list[str]:
    """Return captions with one letter each replaced by a look-alike, letter and place by chance.

    Args:
        captions: The captions.
        letters: Look-alikes.
        seed: The run's.
        step: The step's number.
    """
    rng = stream(seed, 6, step)
    changed = []
    for text in captions:
        choices = disguised(text, letters[int(rng.integers(len(letters)))])
        changed.append(choices[int(rng.integers(len(choices)))] if choices else text)
    return changed
