"""DreamBooth: a subject bound to a rare word, while its class stays what it was (Ruiz et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from limn.kernel.errors import InputError
from limn.personalise.denoising import Rows
from limn.personalise.lora import factors, network_of
from limn.personalise.method import Given, Lesson, Method, named, picked, said
from limn.personalise.trainable_weights import TrainableWeights


@dataclass(frozen=True, kw_only=True)
class DreamBooth(Method):
    """Learn a subject: ``loss(a zorp cat, its pictures) + prior * loss(a cat, what the untouched model draws)``.

    Args:
        rank: Of low-rank factors; 0 lets all weights learn.
        text: Whether the text encoder's layers learn too, where it has any.
        prior: Weight of the second term, which keeps the class; 0 is plain fine-tuning.
        pictures: Pictures of the class that the untouched model draws.
    """

    paper = "ruiz2023dreambooth"

    lr: float = 3e-4
    batch: int = 4
    most: int = 400
    rank: int = 8
    text: bool = False
    prior: float = 1.0
    pictures: int = 64

    def __post_init__(self) -> None:
        self.check(rank=(0, 1024), prior=(0, 1000), pictures=(1, 10_000))

    def ordinary(self) -> tuple[str, int]:
        """Return the class, whose pictures say what must stay."""
        if not self.thing:
            raise InputError("thing: say what kind of thing it is, in a word that the model knows, as --thing cat")
        return named("", self.thing), self.pictures

    def lesson(self, given: Given) -> Lesson:
        """Return what is to be done: pictures of the subject and of its class in one forward."""
        if self.text and not self.rank:
            raise InputError("text: its layers learn as low-rank factors only; give a rank above 0")
        own, (thing, _) = named(self.word, self.thing), self.ordinary()
        clean = given.encoded(given.learned)
        captions = said(given.learned, (own,), self.word)
        assert given.prior is not None
        usual = given.states(given.prior)

        def rows(step: int, generator: torch.Generator) -> Rows:
            subject = picked(clean, captions, self.batch, generator)
            if not self.prior:
                return subject
            ordinary = picked(usual, [(thing,)] * len(usual), self.batch, generator)
            return subject.beside(Rows.of(ordinary.clean, ordinary.captions, self.prior))

        return Lesson(
            change=factors(given, rank=self.rank, text=self.text)
            if self.rank
            else TrainableWeights(network_of(given.stage)),
            rows=rows,
            held=Rows.of(
                given.encoded(given.kept_out),
                [texts[0] for texts in said(given.kept_out, (own,), self.word)],
            ),
            ordinary=Rows.of(usual[:16], [thing] * len(usual[:16])),
            prompts=[own],
            plain=thing,
        )
