"""Conditioning of a network that also reads what is known of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from limn.kernel.known import KNOWN
from limn.kernel.predictor import Ask, Conditioning, Encoder


class Known:
    """Rows of another encoder, each with what is known of its picture.

    A row that drops its text keeps it: guidance then asks what the words add to it.

    Args:
        encoder: Turns prompts into conditioning.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the rows, with the extra ``known`` (rows, 1 + channels, height, width) where it is given."""
        rows = self.encoder.encode(asks)
        given = [ask.given[KNOWN] for ask in asks if KNOWN in ask.given]
        return replace(rows, extras={**rows.extras, KNOWN: torch.stack(given)}) if given else rows

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token."""
        return self.encoder.spans(text)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        return self.encoder.unread(text)
