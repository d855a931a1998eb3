"""What is measured while a model learns: held-out loss, drift, copies, and a sheet to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.encodings import Encodings
from limn.kernel.predictor import Ask, Conditioning, Encoder
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.personalise.choosing import Measured
from limn.personalise.denoising import Denoiser, Rows
from limn.personalise.method import Given, Lesson
from limn.train.batches import signed
from limn.train.sheet import pixels

LEVELS = 12
"""Rows that a loss is measured on, at levels that lie evenly."""

SMALL = 32
"""Pixels along a side of pictures that are compared."""

NEAR = 0.3
"""A drawn picture is a copy if it is nearer to a learned one than this share of what the untouched model's is."""

_SEED = 20_220_802  # of noise that is the same at every measurement


class Gauge:
    """Measures a lesson, always on the same noise.

    Args:
        given: What is learned from.
        lesson: What learns.
        looks: Pictures drawn at each measurement; 0 draws none, and then no copies are counted.
    """

    def __init__(self, given: Given, lesson: Lesson, *, looks: int) -> None:
        self.given, self.lesson, self.looks = given, lesson, looks
        self.denoiser = Denoiser(given.stage)
        self._held = _repeated(lesson.held)
        self._ordinary = _repeated(lesson.ordinary) if lesson.ordinary is not None else None
        self._before = self._answers()
        self._learned = signed(np.stack([one.square(SMALL, SMALL) for one in given.learned]))
        self._untouched = (
            self._nearest(drawn(given, given.stage.encoder, [lesson.plain] * looks)) if looks else torch.zeros(0)
        )

    def __call__(self, step: int) -> tuple[Measured, NDArray[np.uint8] | None]:
        """Measure the model as it is now; returns the figures and the pictures drawn (n, height, width, 3)."""
        held, lesson = self._held, self.lesson
        with torch.no_grad(), lesson.change.on(held.boxes):
            noise = self.denoiser.fixed_noise(held.clean, _SEED)
            loss = float(self.denoiser.errors(held.clean, noise, self._asked(held)).mean())
        with torch.no_grad(), lesson.change.on():
            drift = float((self._answers() - self._before).square().mean())
            prompts = [lesson.prompts[k % len(lesson.prompts)] for k in range(self.looks)]
            encoder = lesson.change.encoder or self.given.stage.encoder
            pictures = drawn(self.given, encoder, prompts) if prompts else None
        copies = (
            0.0 if pictures is None else float((self._nearest(pictures) < NEAR * self._untouched).float().mean())
        )
        facts = lesson.change.facts()
        return Measured(step=step, held=loss, drift=drift, copies=copies, facts=facts), pictures

    def _asked(self, rows: Rows) -> Conditioning:
        encoder = self.lesson.change.encoder or self.given.stage.encoder
        return encoder.encode([Ask(Prompt(text)) for text in rows.captions])

    def _answers(self) -> Tensor:
        """Return what is answered about what should have stayed."""
        if self._ordinary is None:
            return torch.zeros(1)
        noise = self.denoiser.fixed_noise(self._ordinary.clean, _SEED + 1)
        with torch.no_grad():
            return self.denoiser.answers(self._ordinary.clean, noise, self._asked(self._ordinary))

    def _nearest(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Return how far each drawn picture is from the nearest learned one, root mean square."""
        states = F.interpolate(signed(pictures), (SMALL, SMALL), mode="bilinear", antialias=True)
        far = (states[:, None] - self._learned[None]).square().flatten(2).mean(2).sqrt()
        return far.min(1).values


def drawn(given: Given, encoder: Encoder, prompts: Sequence[str]) -> NDArray[np.uint8]:
    """Draw prompts as the model is now, the k-th always from the same noise; returns (prompts, height, width, 3)."""
    generator, stage = given.generator, given.stage
    streams = Streams([given.seed + place for place in range(len(prompts))])
    walk = stage.walk(
        [Prompt(text) for text in prompts], generator.guidance, streams,
        size=generator.size, encodings=Encodings(encoder),
    )  # fmt: skip
    for step in walk:
        state = step.x
    with torch.no_grad():
        return pixels(torch.nan_to_num(stage.codec.decode(state)))


def _repeated(rows: Rows) -> Rows:
    """Return the rows again and again, up to the number that a loss is measured on."""
    places = [place % len(rows.clean) for place in range(max(LEVELS, len(rows.clean)))]
    return Rows.of(
        rows.clean[places],
        [rows.captions[place] for place in places],
        boxes=[rows.boxes[place] for place in places] if rows.boxes else (),
    )
