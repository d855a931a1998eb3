"""A generator whose right answers are known: every prompt names a Gaussian of pictures.

Words decide the mean colour by hashing; the posterior mean is a closed formula, so nothing is trained and every
sampler, guidance, store and command can be tested in milliseconds. Run as a script it is the ``limn`` command with
the toy in place of the models: ``python tests/toys.py generate "a red heart"``; ``TOY_DELAY`` is the time in seconds
that a forward pass takes.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import registry
from limn.kernel.attention import AttentionEdit
from limn.kernel.generator import Generator, Stage
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.sampler import Sampler
from limn.kernel.step import Level

__all__ = ["WEIGHTS", "Gaussian", "Line", "Pixels", "Words", "colour", "load", "toy"]

WEIGHTS = hashlib.sha256(b"toy").hexdigest()


def colour(text: str) -> Tensor:
    """The mean colour (3,) in [-0.8, 0.8] that a text stands for; no text is grey."""
    if not text:
        return torch.zeros(3)
    digest = hashlib.sha256(text.encode()).digest()
    return torch.tensor([digest[k] / 255 * 1.6 - 0.8 for k in range(3)])


@dataclass
class Words:
    """Encodes a prompt as one token that holds its colour; counts what it is asked."""

    asked: list[Ask] = field(default_factory=list)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        self.asked.extend(asks)
        rows = [colour("" if "text" in ask.drop else ask.prompt.text) for ask in asks]
        return Conditioning(torch.stack(rows)[:, None], torch.ones(len(rows), 1, dtype=torch.bool))

    def unread(self, text: str) -> str:
        return ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


@dataclass
class Gaussian:
    """Answers with the mean of p(clean | noisy) for clean ~ N(colour, spread^2): exact for every noise level."""

    spread: float = 0.2
    broken: str = ""
    delay: float = 0.0
    space: str = "clean"

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        time.sleep(self.delay)
        mean = conditioning.tokens[:, 0, :, None, None].to(x)
        alpha, sigma, variance = level.alpha, level.sigma, self.spread**2
        gain = alpha * variance / (alpha**2 * variance + sigma**2)
        clean = mean + gain * (x - alpha * mean)
        if self.broken:
            hit = (conditioning.tokens[:, 0] == colour(self.broken)).all(dim=1)
            clean[hit] = torch.nan
        return clean


@dataclass
class Pixels:
    """Pictures are their own states."""

    multiple: int = 8

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        return (3, height, width)

    def encode(self, image: Tensor) -> Tensor:
        return image

    def decode(self, state: Tensor) -> Tensor:
        return state


class Line:
    """Levels on a straight line from almost pure noise to the picture."""

    def levels(self, steps: int, sampler: Sampler) -> tuple[Level, ...]:
        times = [0.999 * (1 - k / steps) for k in range(steps)] + [0.0]
        return tuple(Level(alpha=1 - each, sigma=each, time=each) for each in times)

    def start_scale(self, steps: int, sampler: Sampler) -> float:
        return 0.999


def toy(*, broken: str = "", delay: float = 0.0, spread: float = 0.2, batch: int = 4) -> Generator:
    """Build the toy; ``broken`` is a prompt that it answers with not-a-number."""
    stage = Stage(
        encoder=Words(),
        predictor=Gaussian(broken=broken, delay=delay, spread=spread),
        codec=Pixels(),
        schedule=Line(),
        sampler=registry.parse("samplers", "ddim"),  # type: ignore[arg-type]
        steps=4,
    )
    return Generator(
        "toy",
        [stage],
        weights=WEIGHTS,
        size=(16, 16),
        sizes=(8, 64),
        guidance=[ClassifierFree(scale=2)],
        batch=batch,
        styles={"flat": "{}, flat style"},
    )


def load(name: str = "toy", *, device: str | None = None) -> Generator:
    """Stand in for ``limn.models.load``."""
    return toy(delay=float(os.environ.get("TOY_DELAY", "0")))


if __name__ == "__main__":
    import limn.models
    from limn import cli

    limn.models.load = load  # type: ignore[assignment]
    sys.exit(cli.run(sys.argv[1:]))
