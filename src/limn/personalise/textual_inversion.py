"""Textual Inversion: a new word, as vectors beside the frozen ones of all others (Gal et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from limn.kernel.errors import InputError
from limn.personalise.denoising import Rows
from limn.personalise.method import Given, Lesson, Method, named, picked, said
from limn.personalise.templates import templates
from limn.personalise.trainable_words import TrainableWords


@dataclass(frozen=True, kw_only=True)
class TextualInversion(Method):
    """Learn a word: ``min over v of E |answer(noisy picture, sentence with v) - true answer|^2``, all else frozen.

    Args:
        vectors: How many vectors the word has.
        start: ``thing`` begins with the vectors of that word, ``random`` with drawn ones of usual length.
        norm: ``keep`` brings each vector back to the length it began with after each step, ``free`` leaves it.
        sentences: Which sentences the word is learned in where a picture has no caption of its own: of an
            ``object``, of a ``style``, or ``plain`` ones.
        lr: Learning rate, as a share of the usual size of a vector's numbers.
    """

    paper = "gal2023textualinversion"
    keeps_out = False  # a few numbers hold no picture by heart, and what a picture adds is missed

    lr: float = 0.1
    most: int = 400
    vectors: int = 1
    start: Literal["thing", "random"] = "thing"
    norm: Literal["keep", "free"] = "free"
    sentences: Literal["", "plain", "object", "style"] = ""

    def __post_init__(self) -> None:
        self.check(vectors=(1, 75))

    def lesson(self, given: Given) -> Lesson:
        """Return what is to be done: each picture with a sentence that says the word."""
        if self.start == "thing" and not self.thing:
            raise InputError(
                "thing: say what kind of thing it is, as --thing cat, or textual_inversion:start=random"
            )
        change = TrainableWords(
            given.stage.encoder, self.word, self.vectors,
            begin=self.thing if self.start == "thing" else "", keep=self.norm == "keep", seed=given.seed,
        )  # fmt: skip
        kind = self.sentences or ("object" if given.known is None else "plain")
        usual = [sentence.format(self.word) for sentence in templates(kind, given.known)]
        clean, captions = given.encoded(given.learned), said(given.learned, usual, self.word)
        asked = usual[0] if kind == "style" else named(self.word, "")
        held = said(given.kept_out, (asked,), self.word)
        plain = named("", self.thing)

        def rows(step: int, generator: torch.Generator) -> Rows:
            return picked(clean, captions, self.batch, generator)

        return Lesson(
            change=change,
            rows=rows,
            held=Rows.of(given.encoded(given.kept_out), [texts[0] for texts in held]),
            ordinary=None,
            prompts=[asked],
            plain=plain,
        )
