"""A generator whose right answers are known: every prompt names a Gaussian of pictures.

Words decide the mean colour by hashing; the posterior mean is a closed formula, so nothing is trained and every
sampler, guidance, store and command can be tested in milliseconds. Run as a script it is the ``limn`` command with
the toy in place of the models: ``python tests/toys.py generate "a red heart"``; ``TOY_DELAY`` is the time in seconds
that a forward pass takes.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from limn import models
from limn.codecs.pixels import Pixels
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import registry
from limn.kernel.attention import AttentionEdit
from limn.kernel.generator import Generator
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.kernel.sampler import Sampler
from limn.kernel.stage import Stage
from limn.testing.toy import Gaussian as Exact
from limn.testing.toy import Words, colour

__all__ = ["WEIGHTS", "Gaussian", "Line", "Pixels", "Words", "colour", "load", "toy"]

WEIGHTS = hashlib.sha256(b"toy").hexdigest()


@dataclass
class Gaussian(Exact):
    """Answers one prompt with not-a-number, and takes its time."""

    broken: str = ""
    delay: float = 0.0

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        time.sleep(self.delay)
        clean = super().__call__(x, level, conditioning, edits)
        if self.broken:
            clean[(conditioning.tokens[:, 0] == colour(self.broken)).all(dim=1)] = torch.nan
        return clean


class Line:
    """Levels on a straight line from almost pure noise to the picture."""

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        times = [0.999 * (1 - k / steps) for k in range(steps)] + [0.0]
        return tuple(Level(alpha=1 - t, sigma=t, time=t) for t in times)

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        return 0.999


def toy(*, broken: str = "", delay: float = 0.0, spread: float = 0.2, batch: int = 4) -> Generator:
    """Build the toy; ``broken`` is a prompt that it answers with not-a-number."""
    stage = Stage(
        encoder=Words(),
        predictor=Gaussian(broken=broken, delay=delay, spread=spread),
        codec=Pixels(multiple=8),
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
    generator = toy(delay=float(os.environ.get("TOY_DELAY", "0")))
    generator.folds = models.folds("toy")
    return generator


if __name__ == "__main__":
    import limn.models
    from limn import cli

    limn.models.load = load  # type: ignore[assignment]
    cli.main()
