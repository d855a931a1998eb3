"""A model whose right answers are known: every prompt names a Gaussian of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning


def colour(text: str) -> Tensor:
    """Return the mean colour (3,) in [-0.8, 0.8] that a text stands for; no text is grey."""
    digest = hashlib.sha256(text.encode()).digest()
    return torch.tensor([digest[k] / 255 * 1.6 - 0.8 for k in range(3)]) if text else torch.zeros(3)


@dataclass
class Words:
    """Encodes a prompt as one token that holds its colour; remembers what it is asked."""

    asked: list[Ask] = field(default_factory=list)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return one token (rows, 1, 3) for each ask."""
        self.asked.extend(asks)
        rows = [colour("" if "text" in ask.drop else ask.prompt.text) for ask in asks]
        return Conditioning(torch.stack(rows)[:, None], torch.ones(len(rows), 1, dtype=torch.bool))

    def unread(self, text: str) -> str:
        """Return what of a text is not read: nothing."""
        return ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the one token stands."""
        return [(0, len(text))]


@dataclass
class Gaussian:
    """Answers with the mean of p(clean | noisy) for clean ~ N(colour, spread^2): exact for every noise level.

    Args:
        spread: Standard deviation of a channel.
        space: What it says that it answers with.
        edited: Taken from the answers of rows whose attention is edited, so that edits show.
    """

    spread: float = 0.2
    space: str = "clean"
    edited: float = 0.0

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        """Answer rows (rows, 3, height, width)."""
        mean = conditioning.tokens[:, 0, :, None, None].to(x)
        alpha, sigma, variance = level.alpha, level.sigma, self.spread**2
        gain = alpha * variance / (alpha**2 * variance + sigma**2)
        clean = mean + gain * (x - alpha * mean)
        for edit in edits:
            if edit is not None:
                edit.acts(None)
        changed = [self.edited if k < len(edits) and edits[k] is not None else 0.0 for k in range(len(x))]
        return clean - x.new_tensor(changed).view(-1, 1, 1, 1) if any(changed) else clean
